"""Imports an extension module in C++, which throws exceptions and catches them."""
import luau_wasm

print(luau_wasm.execute("local n = 0 for i = 1, 10 do n += i end print(`Luau says {n}`)"), end="")
try:
    luau_wasm.execute('error("no")')
except luau_wasm.LuauError as error:
    print("refused:", str(error).splitlines()[0])
