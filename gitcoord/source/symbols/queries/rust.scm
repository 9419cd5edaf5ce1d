; Rust. Items of an `impl` have its type as ancestor; the block itself counts to the type.

(function_item name: (_) @name) @function
(function_signature_item name: (_) @name) @function
(struct_item name: (_) @name) @type
(enum_item name: (_) @name) @type
(union_item name: (_) @name) @type
(trait_item name: (_) @name) @type
(impl_item
  type: [
    (type_identifier) @name
    (primitive_type) @name
    (scoped_type_identifier name: (_) @name)
    (generic_type type: (type_identifier) @name)
    (generic_type type: (scoped_type_identifier name: (_) @name))
    (reference_type type: (type_identifier) @name)
    (reference_type type: (generic_type type: (type_identifier) @name))
    (array_type) @name
    (tuple_type) @name
  ]) @type
(mod_item name: (_) @name body: (_)) @namespace
(macro_definition name: (_) @name) @function
(type_item name: (_) @name) @data
(associated_type name: (_) @name) @data
(const_item name: (_) @name) @data
(static_item name: (_) @name) @data
(let_declaration pattern: (identifier) @name value: (closure_expression)) @function

(line_comment) @above
(block_comment) @above
(attribute_item) @above
