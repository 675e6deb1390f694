//! References to functions: the compiler makes another entry into each function that a table, an export or a global can
//! hand out, which takes it 8 kB and as long as compiling a small function. Bounds are `bounds`'.

use wasmparser::{ConstExpr, ElementItems, ExternalKind, Operator, Payload};

/// The references in a section of a module, up to the first bytes that cannot be parsed. A function may be counted often.
pub(crate) fn in_section(payload: &Payload<'_>) -> u64 {
    match payload {
        Payload::ExportSection(section) => {
            let all = section.clone().into_iter().map_while(Result::ok);
            let functions = all.filter(|export| export.kind == ExternalKind::Func);
            functions.count() as u64
        }
        Payload::ElementSection(section) => {
            let all = section.clone().into_iter().map_while(Result::ok);
            let items = all.map(|segment| match segment.items {
                ElementItems::Functions(items) => items.count(),
                ElementItems::Expressions(_, items) => items.count(),
            });
            items.map(u64::from).sum()
        }
        Payload::GlobalSection(section) => {
            let all = section.clone().into_iter().map_while(Result::ok);
            let referring = all.filter(|global| refers(&global.init_expr));
            referring.count() as u64
        }
        _ => 0,
    }
}

/// The value begins as a reference to a function.
fn refers(value: &ConstExpr<'_>) -> bool {
    let first = value.get_operators_reader().read();
    matches!(first, Ok(Operator::RefFunc { .. }))
}
