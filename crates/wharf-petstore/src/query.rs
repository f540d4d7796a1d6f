//! Query parameters: repeated ones, comma separated ones, and one value each.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use url::form_urlencoded;

use crate::body::Named;
use crate::problem::Problem;

/// More pairs than this are not looked at.
const PAIRS_MAX: usize = 100;

/// The pairs of a query, decoded, in their order.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    fn of(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .take(PAIRS_MAX)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// A number, in whatever type it is needed.
    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        self.text(name)
            .map(|text| {
                text.parse()
                    .map_err(|_| Problem::invalid_field(name, "must be a number"))
            })
            .transpose()
    }

    /// `name=a&name=b`: style `form`, exploded.
    pub(crate) fn each_named<T: Named>(&self, name: &str) -> Result<Vec<T>, Problem> {
        self.all(name)
            .map(|value| T::named(value).ok_or_else(|| Problem::invalid_field(name, T::one_of())))
            .collect()
    }

    /// `name=a,b`: style `form`, not exploded.
    pub(crate) fn separated(&self, name: &str) -> Vec<&str> {
        self.text(name)
            .unwrap_or_default()
            .split(',')
            .filter(|item| !item.is_empty())
            .collect()
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pet::PetStatus;

    #[test]
    fn parameters_are_read_by_their_style() {
        let query =
            Query::of("status=sold&status=available&tags=calm,old%20ish,&q=a+b&limit=3&x=y");
        assert_eq!(
            query.each_named::<PetStatus>("status").unwrap(),
            [PetStatus::Sold, PetStatus::Available]
        );
        assert_eq!(query.separated("tags"), ["calm", "old ish"]);
        assert_eq!(query.text("q"), Some("a b"));
        assert_eq!(query.number::<usize>("limit").unwrap(), Some(3));
        assert_eq!(query.number::<usize>("offset").unwrap(), None);
        assert!(query.number::<usize>("x").is_err());
        assert!(query.each_named::<PetStatus>("x").is_err());
    }
}
