"""What a job knows of the machine around it: signals, deadlines, ownership, attempts."""
