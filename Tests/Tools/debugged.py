"""Calls an export of a module in wasmtime, with what debuggers and backtraces need of its debug information:

    debugged.py MODULE EXPORT ARGUMENT
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../.cache/python"))
os.environ["WASMTIME_BACKTRACE_DETAILS"] = "1"
import wasmtime  # noqa: E402

config = wasmtime.Config()
config.debug_info = True
config.cranelift_opt_level = "none"
engine = wasmtime.Engine(config)
store = wasmtime.Store(engine)
instance = wasmtime.Instance(store, wasmtime.Module.from_file(engine, sys.argv[1]), [])
print(instance.exports(store)[sys.argv[2]](store, int(sys.argv[3])))
