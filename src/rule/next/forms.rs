//! The paths under which the routers of Next.js fetch one page.

use std::borrow::Cow;

use smallvec::{SmallVec, smallvec};

const DATA: &str = "/_next/data/";
const JSON: &str = ".json";
const RSC: &str = ".rsc";
const SEGMENTS: &str = ".segments/";
const SEGMENT_RSC: &str = ".segment.rsc";

/// One path to ask for; a data page takes a trailing slash where the application has them.
pub struct Form<'a> {
    pub path: Cow<'a, str>,
    pub is_data_page: bool,
}

impl<'a> Form<'a> {
    fn plain(path: impl Into<Cow<'a, str>>) -> Self {
        Self { path: path.into(), is_data_page: false }
    }

    fn data_page(path: Cow<'a, str>) -> Self {
        Self { path, is_data_page: true }
    }
}

/// A quick look: false when [`of`] has nothing to add to the path.
pub fn may_be_form(path: &str) -> bool {
    path.ends_with(RSC) || (path.ends_with(JSON) && path.contains(DATA))
}

/// The path itself and the pages behind it. Data of the running build is only its page, as for Next.js;
/// of another build, or of an unknown one, it is asked for as it stands as well.
pub fn of<'a>(path: &'a str, build_id: Option<&str>) -> SmallVec<[Form<'a>; 2]> {
    if let Some(page) = build_id.and_then(|id| data_page_of_build(path, id)) {
        return smallvec![Form::data_page(page)];
    }
    let mut forms = smallvec![Form::plain(path)];
    forms.extend(data_page(path).map(Form::data_page));
    let Some(stem) = path.strip_suffix(RSC) else { return forms };
    let stem = stem.strip_suffix(".prefetch").unwrap_or(stem);
    forms.push(Form::plain(page(stem)));
    if path.ends_with(SEGMENT_RSC) {
        let ends = [path.rfind(SEGMENTS), path.find(SEGMENTS)];
        forms.extend(ends.into_iter().flatten().filter_map(|end| Some(Form::plain(page(path.get(..end)?)))));
    }
    forms
}

/// The page whose data of this build the path fetches.
pub fn data_page_of_build<'a>(path: &'a str, build_id: &str) -> Option<Cow<'a, str>> {
    let page = path.strip_prefix(DATA)?.strip_prefix(build_id)?;
    page.starts_with('/').then_some(page)?.strip_suffix(JSON).map(denormalised)
}

fn data_page(path: &str) -> Option<Cow<'_, str>> {
    let rest = path.strip_prefix(DATA)?;
    let page = rest.get(rest.find('/').filter(|end| *end > 0)?..)?;
    page.strip_suffix(JSON).map(denormalised)
}

/// `/index` is the root and `/index/x` is `/x`, unless `x` looks like a dynamic route.
fn denormalised(page: &str) -> Cow<'_, str> {
    let page = if page.contains('\\') { Cow::Owned(page.replace('\\', "/")) } else { Cow::Borrowed(page) };
    if page == "/index" {
        return Cow::Borrowed("/");
    }
    if !page.starts_with("/index/") || has_dynamic_segment(&page) {
        return page;
    }
    match page {
        Cow::Borrowed(page) => Cow::Borrowed(page.strip_prefix("/index").unwrap_or(page)),
        Cow::Owned(page) => Cow::Owned(page.replacen("/index", "", 1)),
    }
}

fn has_dynamic_segment(page: &str) -> bool {
    page.split('/')
        .skip(1)
        .any(|segment| segment.len() > 2 && segment.starts_with('[') && segment.ends_with(']'))
}

fn page(stem: &str) -> &str {
    if matches!(stem, "/index" | "") { "/" } else { stem }
}
