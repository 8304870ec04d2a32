//! Tables in Markdown, and the few statistics that stand in them.

/// A table under way, printed when it is whole.
pub(crate) struct Table {
    columns: usize,
    lines: Vec<String>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()];
        Self { columns: columns.len(), lines: vec![line(columns), line(&rule)] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: &[String]) {
        assert_eq!(cells.len(), self.columns, "a row has as many cells as the table has columns");
        self.lines.push(line(cells));
    }

    /// Prints it under a heading and what is to be known about it.
    pub(crate) fn print(&self, heading: &str, remark: &str) {
        println!("### {heading}\n\n{remark}\n\n{}\n", self.lines.join("\n"));
    }
}

fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |", cells.join(" | "))
}

/// A share in percent.
pub(crate) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "–".to_owned() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}

/// Median, 95th percentile and largest of some numbers; a dash if there are none.
pub(crate) fn spread(values: &[f64], digits: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |share: f64| sorted.get((share * sorted.len().saturating_sub(1) as f64).round() as usize);
    match (at(0.5), at(0.95), at(1.0)) {
        (Some(median), Some(most), Some(max)) => format!("{median:.digits$} / {most:.digits$} / {max:.digits$}"),
        _ => "–".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_median_nearly_all_and_worst() {
        let values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(spread(&values, 0), "50 / 95 / 100");
        assert_eq!(spread(&[], 0), "–");
    }
}
