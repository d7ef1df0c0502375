(module (import "env" "f" (func $f)) (memory (export "memory") 1) (global (export "__heap_base") i32 (i32.const 64)) (func (export "run") (call $f)))
