"""A memory that threads share, as a host gives it, and as an instance exports it."""

import ctypes

import wasmtime
from wasmtime import _ffi as ffi


class SharedMemory(wasmtime.SharedMemory):
    def _as_extern(self):
        # wasmtime's own form of this has one pointer too many.
        union = ffi.wasmtime_extern_union(sharedmemory=self.ptr())
        return ffi.wasmtime_extern_t(ffi.WASMTIME_EXTERN_SHAREDMEMORY, union)


# wasmtime's own forms of these two have one pointer too many as well.
def pages(memory):
    return ffi.wasmtime_sharedmemory_size(memory.ptr())


def contents(memory):
    length = ffi.wasmtime_sharedmemory_data_size(memory.ptr())
    return ctypes.string_at(ffi.wasmtime_sharedmemory_data(memory.ptr()), length)
