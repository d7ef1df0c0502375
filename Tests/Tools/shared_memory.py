"""A memory that threads share, as a host gives it."""

import wasmtime
from wasmtime import _ffi as ffi


class SharedMemory(wasmtime.SharedMemory):
    def _as_extern(self):
        # wasmtime's own form of this has one pointer too many.
        union = ffi.wasmtime_extern_union(sharedmemory=self.ptr())
        return ffi.wasmtime_extern_t(ffi.WASMTIME_EXTERN_SHAREDMEMORY, union)
