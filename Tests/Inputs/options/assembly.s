# What C cannot say: globals, tables, a custom section, functions with several results.
	.globaltype	asm_global, i32
	.globaltype	immutable_global, i64, immutable
	.globl	asm_global
	.globl	immutable_global
asm_global:
immutable_global:
	.tabletype	asm_table, externref
	.globl	asm_table
asm_table:
	.globl	pair
	.type	pair,@function
pair:
	.functype	pair (i32) -> (i32, i32)
	local.get	0
	global.get	asm_global
	end_function
	.globl	grow
	.type	grow,@function
grow:
	.functype	grow (externref, i32) -> (i32)
	local.get	0
	local.get	1
	table.grow	asm_table
	end_function
	.section	.custom_section.notes,"",@
	.asciz	"a note"
	.section	.custom_section.more,"",@
	.asciz	"more"
