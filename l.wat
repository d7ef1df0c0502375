(module (@dylink.0 (mem-info (memory 16 2) (table 2 0))) (import "env" "memory" (memory 1)) (import "env" "__memory_base" (func $c)) (func (export "f")) (func (export "g") (call $c)))
