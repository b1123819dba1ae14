"""Where fields live and kernels run. Two devices with the same verbs: `cpu` (threads) and `gpu` (launches of CUDA).

    new_field(shape), to_device(array), to_host(field), copy(field), snapshot(field)
    copy_where(mask, target, source)       mask (batch, 1, .., lane or 1)
    fill_dead(field, value)                lanes that have no site, see `uneven`
    run(kernel, halo, **values)            a kernel of `sites`; values by the names of its parameters
    exact_sums(kernel, count, halo, ..)    host array (copies, batches, count, 2, W) of a kernel with `sums`
    largest(kernel, ..)                    host array (batches, W) of a kernel with `worst`

`halo` is called before the first work that reads halo blocks; what the caller does not pass of a kernel's parameters
(slots, scratch, accumulators, tables of sites and chains) is the device's own. `fork`, `join`, `settle`, `send_buffer`
and its like serve the exchange of halos, which may run beside the kernels.
"""
