//! Composition: a new component that holds the callback, byte for byte, and the component that answers WASI. It imports
//! what the callback imports, WASI aside, with the types that the callback gives; and exports the callback's interface.

use std::convert::Infallible;

use anyhow::{Result, anyhow, ensure};
use encoder_parser::{
    ComponentExternalKind, ComponentImportSectionReader, ComponentTypeRef, Parser, Payload,
};
use wasm_encoder::reencode::{Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ComponentExportKind, ComponentExportSection,
    ComponentImportSection, ComponentInstanceSection, ComponentSectionId, ComponentTypeSection,
    RawSection,
};

use super::{PROCESS, answer_to, is_wasi};
use crate::interface::interface_name;

/// The places in the new component of what is put before the callback: one type, and the instances of `process` and of the
/// answering component.
const TYPES_BEFORE: u32 = 1;
const ANSWERING_INSTANCE: u32 = 1;
const INSTANCES_BEFORE: u32 = 2;
const ANSWERING: u32 = 0;
const CALLBACK: u32 = 1;

/// The component of a callback and of the one that answers its WASI.
pub(super) fn compose(answering: &[u8], callback: &[u8]) -> Result<Vec<u8>> {
    let mut outer = Outer::default();
    outer.copy_imports(answering, Shifted::default())?;
    outer.nest(answering);
    let process = outer.arguments.drain(..);
    let process: Vec<(String, u32)> = process.collect();
    outer.instantiate(ANSWERING, process);
    outer.instances = INSTANCES_BEFORE;
    let shifted = Shifted {
        types: TYPES_BEFORE,
        instances: INSTANCES_BEFORE,
        depth: 0,
    };
    outer.copy_imports(callback, shifted)?;
    outer.nest(callback);
    let arguments = std::mem::take(&mut outer.arguments);
    let instance = outer.instances;
    outer.instantiate(CALLBACK, arguments);
    outer.export_from(instance, exported_callbacks(callback)?);
    Ok(outer.component.finish())
}

/// Names of what a component exports.
pub(super) fn exported_names(component: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in top_level(component) {
        if let Payload::ComponentExportSection(section) = payload? {
            for export in section {
                names.push(export?.name.name.to_owned());
            }
        }
    }
    Ok(names)
}

/// Names of the instances that a callback exports as `callback`; more than one is refused later.
fn exported_callbacks(component: &[u8]) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for payload in top_level(component) {
        let Payload::ComponentExportSection(section) = payload? else {
            continue;
        };
        for export in section {
            let export = export?;
            let name = export.name.name;
            if export.kind == ComponentExternalKind::Instance && interface_name(name) == "callback"
            {
                names.push(name.to_owned());
            }
        }
    }
    Ok(names)
}

/// The sections of a component, without those of what it holds.
fn top_level(component: &[u8]) -> impl Iterator<Item = encoder_parser::Result<Payload<'_>>> {
    let mut depth = 0usize;
    let payloads = Parser::new(0).parse_all(component);
    payloads.filter(move |payload| match payload {
        Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => {
            depth += 1;
            false
        }
        Ok(Payload::End(_)) => {
            depth = depth.saturating_sub(1);
            false
        }
        Ok(_) => depth == 0,
        Err(_) => true,
    })
}

/// The new component, as far as it is written.
#[derive(Default)]
struct Outer {
    component: Component,
    /// Instances so far.
    instances: u32,
    /// The names that the next component imports by, each with the instance that it gets.
    arguments: Vec<(String, u32)>,
}

impl Outer {
    /// Imports what `inner` imports. An import of WASI becomes the answering component's export, in the same place.
    fn copy_imports(&mut self, inner: &[u8], mut shifted: Shifted) -> Result<()> {
        let mut left = imports_of(inner)?;
        for payload in top_level(inner) {
            if left == 0 {
                return Ok(());
            }
            match payload? {
                Payload::ComponentTypeSection(section) => {
                    let mut types = ComponentTypeSection::new();
                    shifted
                        .parse_component_type_section(&mut types, section)
                        .map_err(unreadable)?;
                    self.component.section(&types);
                }
                Payload::ComponentAliasSection(section) => {
                    let mut aliases = ComponentAliasSection::new();
                    shifted
                        .parse_component_alias_section(&mut aliases, section)
                        .map_err(unreadable)?;
                    self.component.section(&aliases);
                }
                Payload::ComponentImportSection(section) => {
                    left -= section.count();
                    self.copy_import_section(section, &mut shifted)?;
                }
                Payload::Version { .. } | Payload::CustomSection(_) => {}
                _ => break,
            }
        }
        ensure!(
            left == 0,
            "it imports WASI behind what it holds: build it with wit-component, as toolchains do"
        );
        Ok(())
    }

    fn copy_import_section(
        &mut self,
        section: ComponentImportSectionReader<'_>,
        shifted: &mut Shifted,
    ) -> Result<()> {
        for import in section {
            let import = import?;
            let name = import.name.name;
            ensure!(
                matches!(import.ty, ComponentTypeRef::Instance(_)),
                "it imports `{name}`, which is no interface"
            );
            self.arguments.push((name.to_owned(), self.instances));
            self.instances += 1;
            if is_wasi(name) {
                self.alias_answer(name)?;
                continue;
            }
            let stands_for_wasi = shifted.instances > 0 && name.starts_with(PROCESS);
            ensure!(
                !stands_for_wasi,
                "it imports WASI and `{name}`, which stands for it: import one of them"
            );
            let mut imports = ComponentImportSection::new();
            let of = shifted.component_type_ref(import.ty).map_err(unreadable)?;
            imports.import(import.name, of);
            self.component.section(&imports);
        }
        Ok(())
    }

    fn alias_answer(&mut self, import: &str) -> Result<()> {
        let name = answer_to(import).ok_or_else(|| anyhow!("`{import}` is not answered"))?;
        self.alias(ANSWERING_INSTANCE, name);
        Ok(())
    }

    /// Makes an instance that another one exports one of the new component.
    fn alias(&mut self, instance: u32, name: &str) {
        let mut aliases = ComponentAliasSection::new();
        aliases.alias(Alias::InstanceExport {
            instance,
            kind: ComponentExportKind::Instance,
            name,
        });
        self.component.section(&aliases);
    }

    fn nest(&mut self, inner: &[u8]) {
        self.component.section(&RawSection {
            id: ComponentSectionId::Component.into(),
            data: inner,
        });
    }

    fn instantiate(&mut self, component: u32, arguments: Vec<(String, u32)>) {
        let arguments = arguments
            .into_iter()
            .map(|(name, instance)| (name, ComponentExportKind::Instance, instance));
        let mut instances = ComponentInstanceSection::new();
        instances.instantiate(component, arguments);
        self.component.section(&instances);
        self.instances += 1;
    }

    fn export_from(&mut self, instance: u32, names: Vec<String>) {
        for name in names {
            self.alias(instance, &name);
            let mut exports = ComponentExportSection::new();
            let own = self.instances;
            exports.export(name.as_str(), ComponentExportKind::Instance, own, None);
            self.component.section(&exports);
            // An export is another instance beside the one it exports.
            self.instances += 2;
        }
    }
}

fn imports_of(component: &[u8]) -> Result<u32> {
    let mut count = 0;
    for payload in top_level(component) {
        if let Payload::ComponentImportSection(section) = payload? {
            count += section.count();
        }
    }
    Ok(count)
}

fn unreadable(error: wasm_encoder::reencode::Error<Infallible>) -> anyhow::Error {
    anyhow!("its imports cannot be read: {error}")
}

/// Writes declarations again where other things stand before them: what they refer to in the component itself moves.
#[derive(Default)]
struct Shifted {
    types: u32,
    instances: u32,
    /// Types that are open around what is written.
    depth: u32,
}

impl Reencode for Shifted {
    type Error = Infallible;
}

impl ReencodeComponent for Shifted {
    fn component_type_index(&mut self, index: u32) -> u32 {
        self.outer_component_type_index(0, index)
    }

    fn outer_component_type_index(&mut self, count: u32, index: u32) -> u32 {
        match count == self.depth {
            true => index.saturating_add(self.types),
            false => index,
        }
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        match self.depth {
            0 => index.saturating_add(self.instances),
            _ => index,
        }
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }
}
