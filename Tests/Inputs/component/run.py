"""Calls what a component of demo.wit exports."""
import sys

import wasmtime
from wasmtime import component

engine = wasmtime.Engine()
store = wasmtime.Store(engine)
instance = component.Linker(engine).instantiate(store, component.Component.from_file(engine, sys.argv[1]))
interface = instance.get_export_index(store, "test:demo/text")


def call(name, *arguments):
    function = instance.get_func(store, instance.get_export_index(store, name, interface))
    result = function(store, *arguments)
    function.post_return(store)
    return result


print(call("greet", "wörld"))
counter = call("[constructor]counter", 5)
print(call("[method]counter.next", counter), call("[method]counter.next", counter))
