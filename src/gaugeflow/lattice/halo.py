"""Halo exchange of one rank: begun when a field has changed, finished when somebody reads halo blocks.

In between, kernels work on blocks that need none. Messages of whole blocks are copied block by block and, where the
halo blocks lie side by side, arrive in place; others go lane by lane.
"""

import dataclasses
import weakref
from dataclasses import dataclass

import numpy as np

from gaugeflow.lattice import decomposition


@dataclass(frozen=True)
class _Route:
    """One message: ranks, kind of kernels and their lists.

    whole   entries are blocks, not lanes;  first   first halo block if the message may arrive in place, else None
    """

    destination: int
    source: int
    whole: bool
    outgoing: np.ndarray
    incoming: np.ndarray
    first: int | None


@dataclass
class _Pending:
    """An exchange under way; it holds its field and its buffers."""

    field: object
    sent: list = dataclasses.field(default_factory=list)
    received: list = dataclasses.field(default_factory=list)
    requests: object = None


@dataclass
class _State:
    """What outlives a `Halo` until MPI is done with it."""

    comm: object
    pending: _Pending | None = None

    def drain(self) -> None:
        """Messages that nobody waited for."""
        if self.pending is not None and self.pending.requests is not None:
            self.comm.finish(self.pending.requests)
        self.pending = None


class Halo:
    """Exchanges for the fields of one partition.

    device   runs the packing kernels;  layout  says what goes where
    comm, grid (chains, t, ..., x), coords   ranks, their arrangement, this rank's place
    """

    def __init__(self, device, layout, comm, grid, coords):
        self.device, self.layout, self.comm = device, layout, comm
        self._routes = [self._route(message, grid, coords) for message in layout.halo_messages()]
        self._lists = [(device.table(r.outgoing), device.table(r.incoming)) for r in self._routes]
        self._free: dict[tuple, list] = {}
        self._state = _State(comm)
        weakref.finalize(self, self._state.drain)  # at the latest when the process ends, before MPI does

    def _route(self, message, grid, coords):
        place = np.array(coords[1:])
        ranks = [
            decomposition.rank_at((coords[0], *(place + sign * np.array(message.offset))), grid) for sign in (-1, 1)
        ]
        width, source, target = self.layout.width, message.source, message.target
        blocks, lanes = source.reshape(-1, width) // width if source.size % width == 0 else None, np.arange(width)
        whole = blocks is not None and all(
            (x.reshape(-1, width) == x.reshape(-1, width)[:, :1] // width * width + lanes).all()
            for x in (source, target)
        )
        if not whole:
            return _Route(*ranks, False, source, target, None)
        to = target[::width] // width
        in_place = bool((np.diff(to) == 1).all())
        return _Route(
            *ranks, True, np.ascontiguousarray(source[::width] // width), to, int(to[0]) if in_place else None
        )

    def use_every_kernel(self, field) -> None:
        """Launch all packing kernels on nothing, so that they are compiled whatever messages this lattice has."""
        nothing = self.device.table(np.zeros(1, np.int64))
        for verb, places in (("pack", "source"), ("unpack", "target")):
            for kind in ("blocks", "lanes"):
                values = {"field": field, "buffer": field, places: nothing, "count": 0, "components": 1}
                self.device.run(f"{verb}_{kind}", items=0, **values)

    # ---- one exchange

    def begin(self, field) -> None:
        """`field` has changed: send what others need of it. One exchange is under way at a time."""
        if not self._routes:
            return
        if self._state.pending is not None:
            self.finish(self._state.pending.field)
        pending = _Pending(field)
        self.device.fork()
        for k, route in enumerate(self._routes):
            outgoing = self._take(field, route)
            self._kernel("pack", k, field, outgoing)
            self.device.send(outgoing)
            pending.sent.append(outgoing)
        self.device.join()
        self._state.pending = pending
        if not self.device.asynchronous:
            self._post(pending)

    def finish(self, field) -> None:
        """Fill the halo of `field` with what others sent, if an exchange is under way."""
        pending = self._state.pending
        if pending is None or pending.field is not field:
            return
        self._state.pending = None
        if pending.requests is None:
            self.device.settle()
            self._post(pending)
        self.comm.finish(pending.requests)
        self.device.fork()
        for k, (route, sent, received) in enumerate(zip(self._routes, pending.sent, pending.received, strict=True)):
            self.device.receive(received)
            if not self._in_place(field, route):
                self._kernel("unpack", k, field, received)
                self._give(field, route, received)
            self._give(field, route, sent)
        self.device.join()

    def _post(self, pending):
        field = pending.field
        for route in self._routes:
            if self._in_place(field, route):
                pending.received.append(self.device.view(field[0, route.first : route.first + len(route.incoming)]))
            else:
                pending.received.append(self._take(field, route))
        pending.requests = self.comm.start(
            [
                (route.destination, route.source, sent[1], received[1])
                for route, sent, received in zip(self._routes, pending.sent, pending.received, strict=True)
            ]
        )

    def _in_place(self, field, route):
        return route.first is not None and field.shape[0] == 1

    def _kernel(self, verb, k, field, buffer):
        route, components = self._routes[k], field.shape[2] * field.shape[3]
        kind, places = ("source", self._lists[k][0]) if verb == "pack" else ("target", self._lists[k][1])
        self.device.run(
            f"{verb}_{'blocks' if route.whole else 'lanes'}",
            items=len(route.outgoing),
            field=field,
            buffer=buffer[0],
            count=len(route.outgoing),
            components=components,
            **{kind: places},
        )

    # ---- buffers are used again

    def _shape(self, field, route):
        lanes = self.layout.width if route.whole else 1
        return (field.shape[0], len(route.outgoing), field.shape[2] * field.shape[3] * lanes)

    def _take(self, field, route):
        kept = self._free.setdefault(self._shape(field, route), [])
        return kept.pop() if kept else self.device.buffer(self._shape(field, route))

    def _give(self, field, route, buffer):
        self._free[self._shape(field, route)].append(buffer)
