"""What a job knows of the machine around it; the contract of long-running stages, of generation and training.

1. It works in steps inside `with StopRequest(deadline) as stop`; rank 0 finds the deadline, other ranks have none.
2. It calls `stop.begin()` before the first step, `stop.step()` after each, and saves inside `with stop.saving()`.
3. After each step all ranks agree on `bool(stop)` by one reduction; if true: save, raise TryAgain with `stop.reason`.
4. The same command continues from the saved state, and ends in the bytes of an uninterrupted run.
5. The state lies in `<out>.partial/`, owned through a `Lease`; a dead owner's is recovered, a live owner's is refused.
6. Before each rename that publishes (state, parts, final file) and each removal it calls `lease.check()`.
7. A state is replaced as a whole, after all that it counts; a failed save leaves the one before.
8. Before any work rank 0 compares clocks (`check_clock`) and asks for room (`require_free`).
9. A full disk, a lost lease, a foreign state are errors with exit code 3; nothing saved is deleted by them.
10. Its steps run inside `with Watchdog(stop, ranks > 1)`: a rank that waits for a lost one ends, and the job with it.
11. Sites set GAUGEFLOW_DEADLINE_SECONDS, GAUGEFLOW_DEADLINE_MARGIN_SECONDS, GAUGEFLOW_HEARTBEAT_SECONDS
    and GAUGEFLOW_STALL_SECONDS.
"""
