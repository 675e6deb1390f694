//! One tree laid on another. Owns what wins where both have a value; where the trees come from is `compose`'s.
//!
//! The upper tree wins. Mappings merge key by key, everything else is replaced, and an empty value (`key:`) replaces
//! too. A list grows instead when its key is written with a plus: `phase_callbacks+: [EMA]`. `???`, a value that somebody
//! else must give, replaces nothing.

use super::location::Result;
use super::node::{Content, Entry, Node};

/// A value that must be given elsewhere, as OmegaConf writes it.
pub(super) const MANDATORY: &str = "???";

/// Lays `over` on `base`.
pub(super) fn merge(base: &mut Node, over: Node) -> Result<()> {
    // A section that an argument adds a key to still stands in its file.
    let both_maps = matches!(
        (&base.content, &over.content),
        (Content::Map(_), Content::Map(_))
    );
    if !both_maps || over.location.is_in_file() {
        base.location = over.location;
    }
    let Content::Map(above) = over.content else {
        base.content = over.content;
        return Ok(());
    };
    if !matches!(base.content, Content::Map(_)) {
        base.content = Content::Map(Vec::new());
    }
    let Content::Map(below) = &mut base.content else {
        return Ok(());
    };
    above
        .into_iter()
        .try_for_each(|entry| merge_entry(below, entry))
}

/// Lays one entry on those of a mapping.
pub(super) fn merge_entry(below: &mut Vec<Entry>, mut above: Entry) -> Result<()> {
    if let Some(key) = above.key.strip_suffix('+') {
        above.key = key.to_owned();
        return append(below, above);
    }
    match below.iter_mut().find(|entry| entry.key == above.key) {
        Some(_) if above.value.as_str() == Some(MANDATORY) => Ok(()),
        Some(entry) => {
            entry.location = above.location;
            merge(&mut entry.value, above.value)
        }
        None => {
            let mut value = Node::new(Content::Map(Vec::new()), above.value.location.clone());
            merge(&mut value, above.value)?;
            below.push(Entry { value, ..above });
            Ok(())
        }
    }
}

/// `key+: [more]`: the list below, if any, and then these.
fn append(below: &mut Vec<Entry>, above: Entry) -> Result<()> {
    let found = above.value.describe();
    let Content::List(more) = above.value.content else {
        return Err(above
            .location
            .error(format!("`{}+` adds to a list, found {found}", above.key)));
    };
    let Some(entry) = below.iter_mut().find(|entry| entry.key == above.key) else {
        let value = Node::new(Content::List(more), above.location.clone());
        below.push(Entry { value, ..above });
        return Ok(());
    };
    if entry.value.is_null() {
        entry.value.content = Content::List(Vec::new());
    }
    let under = entry.value.describe();
    match &mut entry.value.content {
        Content::List(items) => items.extend(more),
        _ => {
            return Err(above.location.error(format!(
                "`{}+` adds to a list, but below it is {under}",
                above.key
            )));
        }
    }
    Ok(())
}
