"""What a job knows of the machine around it: signals, deadline, lease, clock, disk, attempts, scheduler."""
