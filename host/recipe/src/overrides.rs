//! `a.b.0.c=value` from the command line, laid on a composed recipe; with Hydra's signs, `+key=value` for a key that is
//! not there yet, `++key=value` for either, and `~key` to take one out.
//! Owns the addressing; the value is YAML and merges as a file's would.

use phasebox_contract::suggest;

use super::document;
use super::location::{Location, RecipeError, Result};
use super::merge::{merge, merge_entry};
use super::node::{Content, Entry, Node, check_depth};

/// An argument of the command line.
pub(super) struct Override {
    pub(super) location: Location,
    sign: Sign,
    keys: Vec<String>,
    /// None for `~key`.
    value: Option<Node>,
}

/// The sign before a key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// `key=value`: set, or added where the recipe may have such a key.
    Set,
    /// `+key=value`: added.
    Add,
    /// `++key=value`: set or added.
    Force,
    /// `~key`: taken out.
    Remove,
}

/// A choice of another file for a group of `defaults`, or of none.
pub(super) struct GroupChoice<'a> {
    pub(super) group: &'a str,
    pub(super) option: Option<&'a str>,
    /// True if the group need not be in `defaults`.
    pub(super) is_added: bool,
}

impl Override {
    /// Reads one argument.
    ///
    /// # Errors
    /// No `=`, an empty key, a value that is not YAML.
    pub(super) fn parse(argument: &str) -> Result<Self> {
        let location = Location::command_line(argument);
        let (sign, rest) = Sign::split(argument);
        let (path, text) = match rest.split_once('=') {
            Some((path, text)) => (path, Some(text)),
            None if sign == Sign::Remove => (rest, None),
            None => return Err(location.error(SHAPE)),
        };
        let keys: Vec<String> = path.trim().split('.').map(str::to_owned).collect();
        if keys.iter().any(String::is_empty) {
            return Err(location.error("a key of the path is empty; write `a.b=value`"));
        }
        check_depth(keys.len(), &location)?;
        let value = text.map(|text| document::parse(text, &location));
        let value = value.transpose()?;
        Ok(Self {
            location,
            sign,
            keys,
            value,
        })
    }

    /// Refuses an argument whose value a later one takes the place of. Mappings are merged, so that both count.
    ///
    /// # Errors
    /// The later argument; the message names the earlier one.
    pub(super) fn check_all(arguments: &[Self]) -> Result<()> {
        if let Some(one_more) = arguments.get(MOST_ARGUMENTS) {
            let message = format!("more than {MOST_ARGUMENTS} keys are set: write a recipe");
            return Err(one_more.location.error(message));
        }
        for (place, later) in arguments.iter().enumerate() {
            let is_lost = |earlier: &&Self| earlier.is_lost_to(later);
            if let Some(earlier) = arguments[..place].iter().find(is_lost) {
                let message = format!(
                    "`{}` is given twice: the one {} would have no effect; keep one",
                    later.path(),
                    earlier.location
                );
                return Err(later.location.error(message));
            }
        }
        Ok(())
    }

    /// True if one of the values set here is set again by `later`, or one above it. The choice of a file leaves the values
    /// below its group as they are.
    fn is_lost_to(&self, later: &Self) -> bool {
        let is_choice = later.group_choice().is_some();
        let (own, other) = (self.leaves(), later.leaves());
        let lost = |(own, leaf): (&Vec<&str>, &Vec<&str>)| match is_choice {
            true => own == leaf,
            false => own.starts_with(leaf),
        };
        let mut pairs = own
            .iter()
            .flat_map(|own| other.iter().map(move |leaf| (own, leaf)));
        pairs.any(lost)
    }

    /// The paths to the single values and lists that are set.
    fn leaves(&self) -> Vec<Vec<&str>> {
        let mut found = Vec::new();
        if let Some(value) = self.value.as_ref().filter(|_| self.sign != Sign::Remove) {
            let path = self.keys.iter().map(String::as_str).collect();
            collect(path, value, &mut found);
        }
        found
    }

    /// The argument as a choice of a group's file: `group=file`, `+group=file` or `~group`.
    pub(super) fn group_choice(&self) -> Option<GroupChoice<'_>> {
        let ([group], true) = (&*self.keys, self.sign != Sign::Force) else {
            return None;
        };
        let option = self.value.as_ref().map(Node::as_str);
        let is_removed = self.sign == Sign::Remove && option.is_none();
        let is_chosen = option
            .flatten()
            .is_some_and(|option| !option.contains("${"));
        (is_removed || is_chosen && self.sign != Sign::Remove).then_some(GroupChoice {
            group,
            option: option.flatten(),
            is_added: self.sign == Sign::Add,
        })
    }

    /// Applies the argument. A key that is not there is created: typing the recipe refuses it if it must not be.
    ///
    /// # Errors
    /// A path that goes through a single value or past the end of a list, a key that is there already or is not, a
    /// variable that the recipe does not have.
    pub(super) fn apply(self, recipe: &mut Node) -> Result<()> {
        match (self.sign, &self.value) {
            (Sign::Remove, _) => return self.remove(recipe),
            (Sign::Add, _) if find(recipe, &self.keys).is_some() => {
                let message = format!("`{}` is there already; drop the `+`", self.path());
                return Err(self.location.error(message));
            }
            (Sign::Set, _) => self.check_variable(recipe)?,
            _ => {}
        }
        let keys: Vec<&str> = self.keys.iter().map(String::as_str).collect();
        let value = self.value.unwrap_or_else(|| Node::empty(&self.location));
        set(recipe, &keys, value, &self.location)
    }

    fn path(&self) -> String {
        self.keys.join(".")
    }

    /// No other check would find a misspelled variable: nothing reads it.
    fn check_variable(&self, recipe: &Node) -> Result<()> {
        let [section, key, ..] = &*self.keys else {
            return Ok(());
        };
        let variables = recipe.get(section).filter(|_| section == "variables");
        match variables {
            Some(variables) if variables.get(key).is_none() => {
                let mut error = unknown(key, section, variables, &self.location);
                error.message += "; write `+` before it to add it";
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Takes the key out; `~key=value` only where it has this value.
    fn remove(&self, recipe: &mut Node) -> Result<()> {
        let Some((last, above)) = self.keys.split_last() else {
            return Ok(());
        };
        let holder = find_mut(recipe, above);
        let holder = holder.ok_or_else(|| self.absent(&above.join(".")))?;
        let Some(found) = holder.get(last) else {
            return Err(unknown(last, &above.join("."), holder, &self.location));
        };
        if let Some(value) = &self.value
            && value.to_json() != found.to_json()
        {
            let found = found.describe();
            let message = format!("`{}` is {found}: write `~{0}`", self.path());
            return Err(self.location.error(message));
        }
        holder.take(last);
        Ok(())
    }

    fn absent(&self, path: &str) -> RecipeError {
        self.location.error(format!("there is no `{path}`"))
    }
}

/// The most keys that are set beside a recipe: each is compared with each other one.
const MOST_ARGUMENTS: usize = 1000;

const SHAPE: &str =
    "an override is written `key=value`, such as `training_hyperparams.max_epochs=3`";

impl Sign {
    /// The sign and what follows it.
    fn split(argument: &str) -> (Self, &str) {
        let signs = [("++", Sign::Force), ("+", Sign::Add), ("~", Sign::Remove)];
        let found = signs
            .iter()
            .find_map(|(text, sign)| Some((*sign, argument.strip_prefix(text)?)));
        found.unwrap_or((Sign::Set, argument))
    }
}

fn unknown(key: &str, section: &str, mapping: &Node, location: &Location) -> RecipeError {
    let entries = mapping.entries().iter();
    let known: Vec<&str> = entries.map(|entry| entry.key.as_str()).collect();
    let within = if section.is_empty() {
        String::new()
    } else {
        format!(" in `{section}`")
    };
    let hint = suggest::hint(key, &known);
    location.error(format!("there is no `{key}`{within}{hint}"))
}

fn collect<'a>(path: Vec<&'a str>, value: &'a Node, found: &mut Vec<Vec<&'a str>>) {
    if value.entries().is_empty() {
        found.push(path);
        return;
    }
    for entry in value.entries() {
        let below = [&path[..], &[entry.key.as_str()]].concat();
        collect(below, &entry.value, found);
    }
}

fn find<'a>(node: &'a Node, keys: &[String]) -> Option<&'a Node> {
    keys.iter().try_fold(node, |node, key| node.step(key))
}

fn find_mut<'a>(node: &'a mut Node, keys: &[String]) -> Option<&'a mut Node> {
    keys.iter().try_fold(node, |node, key| node.step_mut(key))
}

fn set(node: &mut Node, keys: &[&str], value: Node, location: &Location) -> Result<()> {
    let Some((key, deeper)) = keys.split_first() else {
        return merge(node, value);
    };
    if let Content::List(items) = &mut node.content {
        return set(item_at(items, key, location)?, deeper, value, location);
    }
    if node.is_null() {
        node.content = Content::Map(Vec::new());
    }
    let found = node.describe();
    let Content::Map(entries) = &mut node.content else {
        return Err(location.error(format!(
            "nothing can be set at `{key}`: above it is {found}"
        )));
    };
    match entries.iter_mut().find(|entry| entry.key == *key) {
        Some(entry) => {
            set(&mut entry.value, deeper, value, location)?;
            if deeper.is_empty() {
                entry.location = entry.value.location.clone();
            }
            Ok(())
        }
        None => merge_entry(entries, nested(key, deeper, value, location)),
    }
}

fn item_at<'a>(items: &'a mut [Node], key: &str, location: &Location) -> Result<&'a mut Node> {
    let length = items.len();
    let index = key.parse::<usize>().ok();
    let item = index.and_then(|index| items.get_mut(index));
    item.ok_or_else(|| {
        location.error(format!(
            "`{key}` is not an item of this list: it has {length}, counted from 0"
        ))
    })
}

/// The entry `a: {b: value}` for the key `a` and the deeper key `b`.
fn nested(key: &str, deeper: &[&str], value: Node, location: &Location) -> Entry {
    let mut value = value;
    for key in deeper.iter().rev() {
        let inner = entry(key, value, location);
        value = Node::new(Content::Map(vec![inner]), location.clone());
    }
    entry(key, value, location)
}

fn entry(key: &str, value: Node, location: &Location) -> Entry {
    Entry {
        key: key.to_owned(),
        location: location.clone(),
        value,
    }
}
