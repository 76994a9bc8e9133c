//! The paths that code names: sequences of names with `::` between them, inside of macros
//! too.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};

use super::uses::leaves;

/// What a piece of code names.
pub(crate) enum Named {
    /// A path, as it is written, of at least two names.
    Path(Vec<String>),
    /// An import inside of a function.
    Import(Vec<String>),
    /// A macro that is called by its name alone.
    Macro(String),
}

/// All that a piece of code names.
pub(crate) fn named(code: TokenStream) -> Vec<Named> {
    let mut found = Vec::new();
    walk(code, &mut found);
    found
}

fn walk(code: TokenStream, found: &mut Vec<Named>) {
    let mut tokens = code.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => walk(group.stream(), found),
            // `pub(in path)` says who may see, and imports nothing.
            TokenTree::Ident(word) if word == "pub" => {
                tokens.next_if(|next| matches!(next, TokenTree::Group(_)));
            }
            TokenTree::Ident(word) if word == "use" => {
                let mut import = TokenStream::from(TokenTree::Ident(word));
                for token in tokens.by_ref() {
                    let is_end = is_punct(Some(&token), ';');
                    import.extend([token]);
                    if is_end {
                        break;
                    }
                }
                if let Ok(import) = syn::parse2::<syn::ItemUse>(import) {
                    found.extend(
                        leaves(&import.tree, &import.vis).into_iter().map(|leaf| Named::Import(leaf.path)),
                    );
                }
            }
            TokenTree::Ident(word) => {
                let mut path = vec![plain(&word)];
                while let Some(next) = next_of_path(&mut tokens) {
                    path.push(next);
                }
                if path.len() > 1 {
                    found.push(Named::Path(path));
                } else if is_punct(tokens.peek(), '!') {
                    found.extend(path.pop().map(Named::Macro));
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

type Tokens = std::iter::Peekable<proc_macro2::token_stream::IntoIter>;

/// Takes `::name`, if that is what follows.
fn next_of_path(tokens: &mut Tokens) -> Option<String> {
    let mut ahead = tokens.clone();
    let joined =
        matches!(ahead.next()?, TokenTree::Punct(p) if p.as_char() == ':' && p.spacing() == Spacing::Joint);
    if !joined || !is_punct(ahead.next().as_ref(), ':') {
        return None;
    }
    let TokenTree::Ident(name) = ahead.next()? else { return None };
    *tokens = ahead;
    Some(plain(&name))
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == mark)
}

/// A name without the mark of raw names.
fn plain(name: &Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}
