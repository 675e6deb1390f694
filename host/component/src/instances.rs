//! The memory that the instances of a component take while it is started: for each instance of a module the engine keeps its
//! functions, globals and imports, and copies its data. A small file that multiplies instances by items takes hundreds of
//! megabytes, which no limit of guests counts. Bounds are `bounds`'.

use wasmparser::{ComponentInstance, ElementItems, Instance, Payload};

/// The most instances that a callback may have when it is started: wasmtime's limit.
const MOST: u64 = 200;

/// Instances and the largest module, up to the payloads that were noted.
#[derive(Default)]
pub(crate) struct Instances {
    /// For each module and component that is open inside of the outermost: true for a component.
    open: Vec<bool>,
    /// Instances of modules made by the outermost component.
    outside: u64,
    /// Instances of modules made by the components inside of it, each time that one of those is instantiated.
    inside: u64,
    of_components: u64,
    module: Size,
    largest: Size,
}

/// The size of a module.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Imports, globals, exports and elements.
    items: u64,
    /// Bytes of data.
    bytes: u64,
}

impl Instances {
    pub(crate) fn note(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::ModuleSection { .. } => {
                self.open.push(false);
                self.module = Size::default();
            }
            Payload::ComponentSection { .. } => self.open.push(true),
            Payload::End(_) => drop(self.open.pop()),
            Payload::InstanceSection(section) => {
                let all = section.clone().into_iter().map_while(Result::ok);
                let made = all.filter(|one| matches!(one, Instance::Instantiate { .. }));
                *self.maker() += made.count() as u64;
            }
            Payload::ComponentInstanceSection(section) => {
                let all = section.clone().into_iter().map_while(Result::ok);
                let made = all.filter(|one| matches!(one, ComponentInstance::Instantiate { .. }));
                self.of_components += made.count() as u64;
            }
            _ => self.note_item(payload),
        }
        self.largest.items = self.largest.items.max(self.module.items);
        self.largest.bytes = self.largest.bytes.max(self.module.bytes);
    }

    /// The instances made by the component that is open.
    fn maker(&mut self) -> &mut u64 {
        match self.open.contains(&true) {
            true => &mut self.inside,
            false => &mut self.outside,
        }
    }

    /// A section of the module that was begun last.
    fn note_item(&mut self, payload: &Payload<'_>) {
        self.module.items += match payload {
            Payload::ImportSection(section) => u64::from(section.count()),
            Payload::GlobalSection(section) => u64::from(section.count()),
            Payload::ExportSection(section) => u64::from(section.count()),
            Payload::ElementSection(section) => {
                let segments = section.clone().into_iter().map_while(Result::ok);
                let items = segments.map(|segment| match segment.items {
                    ElementItems::Functions(items) => items.count(),
                    ElementItems::Expressions(_, items) => items.count(),
                });
                items.map(u64::from).sum()
            }
            Payload::DataSection(section) => {
                let segments = section.clone().into_iter().map_while(Result::ok);
                let bytes = segments.map(|segment| segment.data.len() as u64);
                self.module.bytes += bytes.sum::<u64>();
                0
            }
            _ => 0,
        };
    }

    /// The items of the largest module in as many instances as there may be.
    pub(crate) fn items(&self) -> u64 {
        self.count().saturating_mul(self.largest.items)
    }

    /// The data of the largest module in as many instances as there may be.
    pub(crate) fn bytes(&self) -> u64 {
        self.count().saturating_mul(self.largest.bytes)
    }

    /// Instances of modules: those inside of components may be there once for each instance of those.
    fn count(&self) -> u64 {
        let inside = self.inside.saturating_mul(self.of_components);
        self.outside.saturating_add(inside).min(MOST)
    }
}
