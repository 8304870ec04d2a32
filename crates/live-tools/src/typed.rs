//! Functions of the host's own types: a declaration out of a type, arguments into it, and a result out of another.

use live_proto::{FunctionDeclaration, Struct, Value};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ToolError;
use crate::schema::{Parameters, parameters};

/// Declares a function that takes an `A`: a struct with a field for each argument, or `()`.
///
/// What the fields say in their documentation is what the model is told of them.
///
/// # Errors
/// When `A` is no struct.
pub fn declare<A: JsonSchema>(name: &str, description: &str) -> Result<FunctionDeclaration, ToolError> {
    let mut declaration =
        FunctionDeclaration { name: name.into(), description: description.into(), ..FunctionDeclaration::default() };
    match parameters::<A>().map_err(|found| ToolError::Arguments { name: name.into(), found })? {
        Parameters::Nothing => {}
        Parameters::Typed(schema) => declaration.parameters = Some(schema),
        Parameters::Json(schema) => declaration.parameters_json_schema = Some(schema),
    }
    Ok(declaration)
}

/// Reads the arguments of a call.
///
/// # Errors
/// Words for the model: which argument does not fit, and why.
pub fn read<A: DeserializeOwned>(args: Option<Struct>) -> Result<A, String> {
    let args = args.unwrap_or_default();
    // A type without fields may be the unit type, which is not an object.
    if args.is_empty()
        && let Ok(nothing) = serde_json::from_value(serde_json::Value::Null)
    {
        return Ok(nothing);
    }
    serde_path_to_error::deserialize(serde_json::Value::from(Value::Struct(args))).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { format!(".{path}") };
        format!("args{path}: {}", error.into_inner())
    })
}

/// Makes a response of a result: an object as it is, anything else under `output`.
///
/// # Errors
/// When it cannot be written as JSON, such as a map whose keys are no strings.
pub fn respond(result: &impl Serialize) -> Result<Struct, String> {
    match serde_json::to_value(result) {
        Ok(serde_json::Value::Object(object)) => Ok(object.into()),
        Ok(value) => Ok([("output", Value::from(value))].into_iter().collect()),
        Err(error) => Err(format!("the result cannot be written as JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(rename_all = "camelCase")]
    struct Forecast {
        /// The city.
        city: String,
        days: Option<u8>,
        #[serde(default)]
        hours: Vec<Hour>,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Hour {
        hour_of_day: u8,
        unit: Unit,
    }

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    enum Unit {
        Celsius,
        Fahrenheit,
    }

    fn args(json: &str) -> Option<Struct> {
        let serde_json::Value::Object(object) = serde_json::from_str(json).unwrap() else { panic!("an object") };
        Some(object.into())
    }

    #[test]
    fn arguments_become_the_type_and_whole_numbers_stay_whole() {
        let read: Forecast =
            read(args(r#"{"city": "Oslo", "days": 3.0, "hours": [{"hour_of_day": 7, "unit": "Celsius"}]}"#)).unwrap();
        let hours = vec![Hour { hour_of_day: 7, unit: Unit::Celsius }];
        assert_eq!(read, Forecast { city: "Oslo".into(), days: Some(3), hours });
        assert_eq!(super::read::<()>(None), Ok(()));
        assert_eq!(super::read::<()>(args("{}")), Ok(()));
        assert_eq!(super::read::<Option<Forecast>>(None), Ok(None));
    }

    #[test]
    fn arguments_that_do_not_fit_are_named() {
        let wrong = |json| read::<Forecast>(args(json)).unwrap_err();
        assert_eq!(wrong("{}"), "args: missing field `city`");
        assert_eq!(wrong(r#"{"city": 7}"#), "args.city: invalid type: integer `7`, expected a string");
        assert_eq!(wrong(r#"{"city": "", "days": 1000}"#), "args.days: invalid value: integer `1000`, expected u8");
        assert_eq!(
            wrong(r#"{"city": "", "hours": [{"hour_of_day": 1, "unit": "Kelvin"}]}"#),
            "args.hours[0].unit: unknown variant `Kelvin`, expected `Celsius` or `Fahrenheit`"
        );
        assert_eq!(
            wrong(r#"{"city": "", "hours": [{"hour": 1}]}"#),
            "args.hours[0].hour: unknown field `hour`, expected `hour_of_day` or `unit`"
        );
    }

    #[test]
    fn results_are_objects() {
        let respond = |value: &dyn Fn() -> Result<Struct, String>| {
            serde_json::Value::from(value().unwrap().into_value()).to_string()
        };
        assert_eq!(respond(&|| super::respond(&BTreeMap::from([("degrees", 21.5)]))), r#"{"degrees":21.5}"#);
        assert_eq!(respond(&|| super::respond(&[1, 2])), r#"{"output":[1,2]}"#);
        assert_eq!(respond(&|| super::respond(&())), r#"{"output":null}"#);
        let keyed = BTreeMap::from([((1, 2), 3)]);
        assert_eq!(super::respond(&keyed).unwrap_err(), "the result cannot be written as JSON: key must be a string");
    }

    trait IntoValue {
        fn into_value(self) -> Value;
    }

    impl IntoValue for Struct {
        fn into_value(self) -> Value {
            Value::Struct(self)
        }
    }

    #[test]
    fn a_declaration_says_what_the_type_says() {
        let declaration = declare::<Forecast>("forecast", "Tells the weather.").unwrap();
        assert_eq!((declaration.name.as_str(), declaration.description.as_str()), ("forecast", "Tells the weather."));
        let schema = declaration.parameters.unwrap();
        assert_eq!(schema.required, ["city"]);
        assert_eq!(schema.properties["city"].description, "The city.");
        assert_eq!(declare::<()>("f", "").unwrap().parameters, None);
        let found = declare::<String>("f", "").unwrap_err().to_string();
        assert_eq!(found, "the arguments of f are a string, and have to be a struct with a field for each");
    }
}
