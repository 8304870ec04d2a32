//! The letter rules of English: `(left context, letters, right context, sounds)`; data only, matched in `letter.rs`.

pub(super) type Rule = (&'static str, &'static str, &'static str, &'static str);

/// One list per letter; within a list the first rule that fits wins, and the last always fits.
pub(super) static RULES: [&[Rule]; 26] = [A, B, C, D, E, F, G, H, I, J, K, L, M, N, O, P, Q, R, S, T, U, V, W, X, Y, Z];

#[rustfmt::skip]
const A: &[Rule] = &[
    ("_", "a", "_", "AX"), ("", "aa", "", "AA"), ("", "aer", "", "EH R"), ("", "ae", "", "IY"),
    ("", "aught", "", "AO T"), ("", "augh", "", "AO"), ("", "augu", "", "AO G AX"), ("", "au", "", "AO"),
    ("", "awa", "", "AX W EY"), ("", "aw", "", "AO"), ("", "ayer", "_", "EY ER"), ("", "ay", "", "EY"),
    ("", "aire", "", "EH R"), ("", "air", "", "EH R"), ("", "aisle", "", "AY L"), ("unt", "ain", "_", "AX N"),
    ("rt", "ain", "_", "AX N"), ("pt", "ain", "_", "AX N"), ("it", "ain", "_", "AX N"), ("m", "ain", "", "EY N"),
    ("t", "ain", "_", "EY N"), ("l", "ain", "_", "EY N"), ("r", "ain", "_", "EY N"), ("#:", "ain", "_", "AX N"),
    ("#:", "ains", "_", "AX N Z"), ("", "ai", "", "EY"), ("_", "able", "", "EY B AX L"),
    ("_un", "able", "_", "EY1 B AX L"), ("#:", "able", "_", "AX B AX L"), ("#:", "ably", "_", "AX B L IY"),
    ("", "able", "_", "EY B AX L"), ("", "ables", "_", "EY B AX L Z"), ("", "abled", "_", "EY B AX L D"),
    ("#:", "ability", "", "AX B IH1 L IX T IY"), ("", "ache", "", "EY K"), ("#:", "age", "_", "IX JH"),
    ("#:", "ages", "_", "IX JH IX Z"), ("#:", "aged", "_", "IX JH D"), ("d", "anger", "", "EY N JH ER"),
    ("str", "anger", "", "EY N JH ER"), ("", "anger", "", "AE NG G ER"), ("", "angel", "", "EY N JH AX L"),
    ("", "ange", "", "EY N JH"), ("", "aste", "_", "EY S T"), ("", "aste", "s_", "EY S T"),
    ("", "aste", "d_", "EY S T"), ("ch", "anging", "", "EY N JH IX NG"), ("r", "anging", "", "EY N JH IX NG"),
    ("", "asting", "_", "EY S T IX NG"), ("", "athe", "_", "EY DH"), ("f", "ather", "", "AA DH ER"),
    ("r", "ather", "", "AE DH ER"), ("", "ather", "", "AE DH ER"), ("", "alk", "", "AO K"), ("", "alm", "", "AA M"),
    ("", "alf", "", "AE F"), ("", "alve", "", "AE V"), ("", "ality", "_", "AE1 L AX T IY"),
    ("", "alities", "_", "AE1 L AX T IY Z"), ("_", "all", "_", "AO L"), ("", "all", "_", "AO L"),
    ("", "alls", "_", "AO L Z"), ("", "alle", "d_", "AO L"), ("", "all", "ing_", "AO L"), ("", "al", "t", "AO L"),
    ("", "al", "d", "AO L"), ("_", "al", "m", "AO L"), ("_", "al", "r", "AO L"), ("_", "al", "s", "AO L"),
    ("_", "al", "w", "AO L"), ("#:", "ally", "_", "AX L IY"), ("#:", "al", "_", "AX L"), ("#:", "als", "_", "AX L Z"),
    ("#:", "alize", "", "AX L AY Z"), ("#:", "alism", "", "AX L IH Z AX M"), ("#:", "alist", "", "AX L IX S T"),
    ("#:", "ances", "", "AX N S IX Z"), ("#:", "ance", "", "AX N S"), ("#:", "ant", "_", "AX N T"),
    ("#:", "ants", "_", "AX N T S"), ("#:", "antly", "_", "AX N T L IY"), ("#:", "and", "_", "AX N D"),
    ("#:", "an", "_", "AX N"), ("#:", "ans", "_", "AX N Z"), ("m", "any", "", "EH N IY"), ("_", "any", "", "EH N IY"),
    ("_", "ar", "r", "AX"), ("_", "aro", "", "AX R OW"), ("", "ar", "r", "AE"), ("w", "ard", "_", "ER D"),
    ("w", "ards", "_", "ER D Z"), ("#:", "ard", "_", "ER D"), ("#:", "ards", "_", "ER D Z"), ("w", "ar", "", "AO R"),
    ("qu", "ar", "", "AO R"), ("#:", "ary", "_", "EH R IY"), ("#:", "aries", "_", "EH R IY Z"),
    ("", "are", "ly_", "EH R"), ("", "are", "ful", "EH R"), ("", "are", "less_", "EH R"), ("", "ar", "ea", "EH R"),
    ("", "ar", "ent", "EH R"), ("", "ary", "_", "EH R IY"), ("", "are", "_", "EH R"), ("", "ares", "_", "EH R Z"),
    ("", "ared", "_", "EH R D"), ("", "aring", "_", "EH R IX NG"), ("", "aria", "", "EH R IY AX"),
    ("", "arious", "", "EH R IY AX S"), ("#:", "ar", "_", "ER"), ("#:", "ars", "_", "ER Z"),
    ("", "ara", "", "AE R AX"), ("", "ari", "", "AE R IX"), ("", "ar", "", "AA R"), ("", "ass", "", "AE S"),
    ("n", "a", "tional", "AE"), ("r", "a", "tional", "AE"), ("", "a", "tion", "EY"), ("", "a", "sion", "EY"),
    ("", "a", "tia", "EY"), ("", "a", "cia", "EY"), ("", "a", "cious", "EY"), ("", "a", "tient", "EY"),
    ("", "ative", "_", "AX T IX V"), ("#:", "ate", "ly_", "AX T"), ("#:", "atory", "_", "AX T AO R IY"),
    ("", "a", "^ia", "EY"), ("", "a", "^io", "EY"), ("", "a", "^ie", "EY"), ("", "a", "^iu", "EY"),
    ("", "a", "^eou", "EY"), ("", "a", "^or_", "EY"), ("", "a", "^our_", "EY"), ("", "a", "^ous_", "EY"),
    ("", "a", "^ors_", "EY"), ("h", "a", "v", "AE"), ("", "a", "tter", "AE"), ("w", "a", "ter", "AO"),
    ("", "a", "x", "AE"), ("", "a", "^%", "EY"), ("", "a", "^le_", "EY"), ("", "a", "^les_", "EY"),
    ("", "a", "^y_", "EY"), ("", "a", "^ies_", "EY"), ("", "a", "cre_", "EY"), ("", "a", "the", "EY"),
    ("w", "a", "sh", "AA"), ("w", "a", "tch", "AA"), ("w", "a", "n", "AA"), ("w", "a", "s", "AA"),
    ("w", "a", "ll", "AA"), ("w", "a", "tt", "AA"), ("w", "a", "d", "AA"), ("w", "a", "p", "AA"),
    ("squ", "a", "", "AA"), ("qu", "a", "l", "AA"), ("qu", "a", "n", "AA"), ("_", "a", "bout", "AX"),
    ("_", "a", "cc", "AX"), ("_", "a", "ch", "AX"), ("_", "a", "go", "AX"), ("_", "a", "gr", "AX"),
    ("_", "a", "llow", "AX"), ("_", "a", "lon", "AX"), ("_", "a", "mo", "AX"), ("_", "a", "mou", "AX"),
    ("_", "a", "no", "AX"), ("_", "a", "pp", "AX"), ("_", "a", "ss", "AX"), ("_", "a", "tt", "AX"),
    ("_", "a", "v", "AX"), ("_", "a", "w", "AX"), ("", "a", "_", "AX"), ("#:", "as", "_", "AX Z"),
    ("", "acity", "_", "AE1 S AX T IY"), ("", "atic", "", "AE1 T IX K"), ("#:", "a", "^#", "AX"), ("", "a", "", "AE"),
];

#[rustfmt::skip]
const B: &[Rule] = &[
    ("_", "be", "^#", "B IX"), ("m", "b", "_", ""), ("m", "b", "s_", ""), ("m", "b", "ing_", ""),
    ("m", "b", "ed_", ""), ("", "bt", "_", "T"), ("", "bt", "le", "T"), ("", "bb", "", "B"),
    ("", "buil", "", "B IH L"), ("_", "busi", "", "B IH Z"), ("_", "bus", "y", "B IH Z"), ("_", "buy", "", "B AY"),
    ("", "b", "", "B"),
];

#[rustfmt::skip]
const C: &[Rule] = &[
    ("_", "ch", "^", "K"), ("", "chr", "", "K R"), ("", "char", "ac", "K EH R"), ("", "che", "m", "K EH"),
    ("", "chaos", "", "K EY AA S"), ("_", "cho", "r", "K AO"), ("s", "ch", "", "K"), ("", "ch", "nic", "K"),
    ("", "ch", "nolog", "K"), ("_te", "ch", "", "K"), ("_me", "ch", "a", "K"), ("e", "ch", "o", "K"),
    ("ar", "ch", "i", "K"), ("psy", "ch", "", "K"), ("an", "ch", "or", "K"), ("mi", "ch", "ael", "K"),
    ("", "ch", "ite", "K"), ("", "ch", "estr", "K"), ("", "chine", "", "SH IY N"), ("", "ch", "", "CH"),
    ("", "ck", "", "K"), ("", "cc", "+", "K S"), ("", "cc", "", "K"), ("s", "ci", "#", "SH"), ("", "ci", "an", "SH"),
    ("", "ci", "al", "SH"), ("", "ci", "ou", "SH"), ("", "ci", "en", "SH"), ("", "ci", "o", "SH"),
    ("", "ci", "at", "SH IY"), ("", "ce", "an", "SH"), ("", "cqu", "", "K W"), ("s", "c", "+", ""),
    ("", "c", "+", "S"), ("_", "com", "m", "K AA M"), ("_", "com", "p", "K AA M"), ("_", "con", "^", "K AA N"),
    ("", "cz", "", "CH"), ("", "c", "", "K"),
];

#[rustfmt::skip]
const D: &[Rule] = &[
    ("", "ddle", "_", "D AX L"), ("", "dd", "", "D"), ("", "dge", "_", "JH"), ("", "dg", "+", "JH"),
    ("", "dj", "", "JH"), ("#:", "ded", "_", "D IX D"), ("_", "de", "^#", "D IX"), ("_", "do", "_", "D UW"),
    ("_", "doub", "", "D AH B"), ("", "du", "ca", "JH AX"), ("", "du", "a", "JH UW"), ("", "d", "nes", "D"),
    ("", "d", "", "D"),
];

#[rustfmt::skip]
const E: &[Rule] = &[
    ("_:", "e", "_", "IY"), ("_", "eu", "", "Y UW"), ("_", "eye", "", "AY"), ("_", "ever", "", "EH V ER"),
    ("", "every", "", "EH V R IY"), ("", "ear", "ch", "ER"), ("_", "early", "", "ER L IY"),
    ("", "ear", "ly_", "IH R"), ("", "ear", "l", "ER"), ("", "ear", "n", "ER"), ("", "ear", "th", "ER"),
    ("h", "ear", "t", "AA R"), ("h", "ear", "d", "ER"), ("b", "ear", "_", "EH R"), ("w", "ear", "", "EH R"),
    ("_p", "ear", "", "EH R"), ("_t", "ear", "_", "EH R"), ("", "ear", "", "IH R"), ("", "eau", "t", "Y UW"),
    ("", "eau", "", "OW"), ("thr", "ead", "", "EH D"), ("spr", "ead", "", "EH D"), ("br", "ead", "", "EH D"),
    ("ah", "ead", "", "EH D"), ("", "ead", "er", "IY D"), ("l", "ead", "", "IY D"), ("", "ead", "ing", "IY D"),
    ("r", "ead", "_", "IY D"), ("", "ead", "", "EH D"), ("", "eaf", "_", "IY F"), ("", "ealth", "", "EH L TH"),
    ("", "easure", "", "EH ZH ER"), ("", "easant", "", "EH Z AX N T"), ("", "easy", "_", "IY Z IY"),
    ("w", "ea", "p", "EH"), ("thr", "ea", "t", "EH"), ("m", "eant", "", "EH N T"), ("", "eath", "er", "EH DH"),
    ("", "eathe", "", "IY DH"), ("", "eath", "", "EH TH"), ("", "eavy", "", "EH V IY"),
    ("", "eaven", "", "EH V AX N"), ("gr", "ea", "t", "EY"), ("br", "ea", "k", "EY"), ("st", "ea", "k", "EY"),
    ("", "ea", "lity", "IY AE"), ("r", "ea", "ct", "IY AE"), ("cr", "ea", "te", "IY EY"), ("cr", "ea", "ti", "IY EY"),
    ("id", "ea", "", "IY AX"), ("ar", "ea", "", "IY AX"), ("", "ea", "", "IY"), ("", "eer", "", "IH R"),
    ("", "ee", "", "IY"), ("", "eigh", "t", "EY"), ("", "eigh", "", "EY"), ("", "eign", "_", "AX N"),
    ("", "eir", "_", "EH R"), ("c", "ei", "", "IY"), ("", "ei", "n", "EY"), ("", "ei", "l", "EY"),
    ("", "ei", "", "IY"), ("", "ewer", "_", "UW ER"), ("f", "ew", "", "Y UW"), ("n", "ew", "", "UW"),
    ("vi", "ew", "", "UW"), ("r", "ew", "", "UW"), ("l", "ew", "", "UW"), ("ch", "ew", "", "UW"),
    ("", "ew", "", "Y UW"), ("", "eyes", "_", "AY Z"), ("th", "ey", "", "EY"), ("gr", "ey", "", "EY"),
    ("_ob", "ey", "", "EY"), ("_:", "ey", "", "EY"), ("", "ey", "_", "IY"), ("", "eys", "_", "IY Z"),
    ("", "eo", "ple", "IY"), ("", "eo", "us", "IY AX"), ("", "eo", "", "IY AA"), ("", "eur", "", "Y UH R"),
    ("", "eu", "", "Y UW"), ("", "err", "_", "ER"), ("", "err", "", "EH R"), ("", "ere", "_", "IH R"),
    ("wh", "ere", "", "EH R"), ("th", "ere", "", "EH R"), ("", "erience", "", "IH R IY AX N S"),
    ("", "eri", "al_", "IH R IY"), ("", "eriod", "", "IH R IY AX D"), ("", "erious", "", "IH R IY AX S"),
    ("", "ero", "", "EH R OW"), ("#:", "erate", "_", "ER EY T"), ("#:", "eral", "", "ER AX L"),
    ("v", "ery", "_", "EH R IY"), ("#:", "ery", "_", "ER IY"), ("", "eries", "_", "IH R IY Z"),
    ("", "erior", "", "IH R IY ER"), ("", "eria", "", "IH R IY AX"), ("#:", "er", "ing", "ER"),
    ("", "enior", "_", "IY N Y ER"), ("", "eri", "", "EH R IX"), ("", "era", "_", "EH R AX"), ("", "er", "", "ER"),
    ("_", "ex", "a", "IX G Z"), ("_", "ex", "e", "EH K S"), ("_", "ex", "i", "EH G Z"), ("_", "ex", "h", "IX G Z"),
    ("_", "exc", "+", "IX K S"), ("_", "ex", "", "IX K S"), ("i", "et", "_", "AX T"),
    ("#:", "eted", "_", "IY T IX D"), ("#:", "et", "_", "IX T"), ("#:", "ets", "_", "IX T S"),
    ("#:t", "ed", "_", "IX D"), ("#:d", "ed", "_", "IX D"), ("#:p", "ed", "_", "T"), ("#:k", "ed", "_", "T"),
    ("#:f", "ed", "_", "T"), ("#:s", "ed", "_", "T"), ("#:c", "ed", "_", "T"), ("#:x", "ed", "_", "T"),
    ("ch", "ed", "_", "T"), ("sh", "ed", "_", "T"), ("gh", "ed", "_", "D"), ("#:", "ed", "_", "D"),
    ("", "ed", "_", "EH D"), ("s", "es", "_", "IX Z"), ("c", "es", "_", "IX Z"), ("g", "es", "_", "IX Z"),
    ("z", "es", "_", "IX Z"), ("x", "es", "_", "IX Z"), ("ch", "es", "_", "IX Z"), ("sh", "es", "_", "IX Z"),
    ("p", "es", "_", "S"), ("k", "es", "_", "S"), ("t", "es", "_", "S"), ("f", "es", "_", "S"),
    ("#:", "es", "_", "Z"), ("o", "es", "_", "Z"), ("#:", "eful", "_", "F AX L"), ("#:", "efully", "_", "F AX L IY"),
    ("#:", "eless", "_", "L AX S"), ("#:", "ely", "_", "L IY"), ("#:", "eness", "_", "N AX S"),
    ("#:", "ement", "_", "M AX N T"), ("#:", "ements", "_", "M AX N T S"), ("#:", "e", "_", ""),
    ("#:", "el", "_", "AX L"), ("#:", "els", "_", "AX L Z"), ("#:", "en", "_", "AX N"), ("#:", "ens", "_", "AX N Z"),
    ("#:", "ened", "_", "AX N D"), ("#:", "ence", "_", "AX N S"), ("#:", "ences", "_", "AX N S IX Z"),
    ("#:", "ency", "_", "AX N S IY"), ("#:", "ent", "_", "AX N T"), ("#:", "ents", "_", "AX N T S"),
    ("#:", "ently", "_", "AX N T L IY"), ("#:", "ental", "", "EH N T AX L"), ("#:", "em", "ber_", "EH M"),
    ("#:", "em", "_", "AX M"), ("#:", "ems", "_", "AX M Z"), ("#:", "est", "_", "IX S T"), ("n", "ess", "_", "AX S"),
    ("#:", "e", "where_", ""), ("#:", "e", "one_", ""), ("#:", "e", "thing_", ""), ("#:", "e", "times_", ""),
    ("", "e", "cial", "EH"), ("", "e", "x", "EH"), ("", "e", "^%", "IY"), ("", "e", "^iou", "IY"),
    ("", "e", "^ium", "IY"), ("", "e", "^ia", "IY"), ("", "e", "gion", "IY"), ("_", "e", "vi", "EH"),
    ("_", "e", "du", "EH"), ("_", "e", "ne", "EH"), ("_", "e", "di", "EH"), ("_", "e", "qu", "IY"),
    ("_", "eng", "l", "IH NG"), ("_", "e", "co", "EH"), ("_", "e", "pi", "EH"), ("_", "e", "^#", "IX"),
    ("", "e", "", "EH"),
];

#[rustfmt::skip]
const F: &[Rule] = &[
    ("#:", "fully", "_", "F AX L IY"), ("#:", "ful", "_", "F AX L"), ("", "ff", "", "F"), ("_", "four", "", "F AO R"),
    ("", "friend", "", "F R EH N D"), ("", "f", "", "F"),
];

#[rustfmt::skip]
const G: &[Rule] = &[
    ("_", "give", "", "G IH V"), ("_", "gi", "rl", "G "), ("_", "gh", "", "G"), ("_", "gn", "", "N"),
    ("", "gn", "_", "N"), ("", "gned", "_", "N D"), ("", "gns", "_", "N Z"), ("", "gning", "_", "N IX NG"),
    ("_", "ge", "t", "G EH"), ("", "gg", "est_", "G"), ("su", "gg", "est", "G JH"), ("", "gg", "e", "G"),
    ("", "gg", "", "G"), ("", "gue", "_", "G"), ("", "gu", "e", "G"), ("", "gu", "i", "G"),
    ("", "gua", "ge", "G W AX"), ("_", "gu", "a", "G"), ("", "geous", "", "JH AX S"), ("", "gious", "", "JH AX S"),
    ("", "gion", "", "JH AX N"), ("", "gia", "", "JH AX"), ("tar", "g", "e", "G"), ("_", "gear", "", "G IH R"),
    ("_", "gift", "", "G IH F T"), ("be", "g", "i", "G"), ("_ti", "g", "er", "G"), ("_to", "g", "e", "G"),
    ("for", "g", "e", "G"), ("for", "g", "i", "G"), ("_", "geo", "rge", "JH AO"), ("", "g", "+", "JH"),
    ("i", "gh", "", ""), ("", "gh", "t", ""), ("#", "gh", "", ""), ("n", "g", "_", ""), ("", "g", "", "G"),
];

#[rustfmt::skip]
const H: &[Rule] = &[
    ("_", "hav", "", "HH AE V"), ("_", "here", "", "HH IH R"), ("_", "hour", "", "AW ER"), ("_", "hon", "e", "AA N"),
    ("_", "hon", "o", "AA N"), ("_", "hei", "r", "EH"), ("_", "heigh", "", "HH AY"), ("_", "how", "", "HH AW"),
    ("ex", "h", "", ""), ("g", "h", "", ""), ("_", "hm", "", "HH AX M"), ("", "h", "#", "HH"), ("", "h", "", ""),
];

#[rustfmt::skip]
const I: &[Rule] = &[
    ("_", "i", "_", "AY"), ("_", "idea", "", "AY D IY1 AX"), ("_", "in", "", "IH N"), ("", "ious", "", "IY AX S"),
    ("_un", "ion", "", "Y AX N"), ("un", "ite", "", "AY T"), ("n", "ion", "", "Y AX N"), ("l", "ion", "", "Y AX N"),
    ("#:", "ially", "_", "IY AX L IY"), ("#:", "ial", "_", "IY AX L"), ("#:", "ian", "_", "IY AX N"),
    ("#:", "ians", "_", "IY AX N Z"), ("#:", "iate", "", "IY EY T"), ("#:", "iation", "", "IY EY SH AX N"),
    ("#:", "ium", "_", "IY AX M"), ("#:", "ient", "", "IY AX N T"), ("#:", "ience", "", "IY AX N S"),
    ("#:", "ior", "_", "IY ER"), ("#:", "ier", "_", "IY ER"), ("#:", "iest", "_", "IY AX S T"),
    ("#:", "iness", "_", "IY N AX S"), ("#:", "ily", "_", "AX L IY"), ("_d", "ia", "", "AY AX"),
    ("tr", "ia", "", "AY AX"), ("v", "io", "", "AY AX"), ("sc", "ie", "n", "AY AX"), ("cl", "ie", "n", "AY AX"),
    ("qu", "ie", "t", "AY AX"), ("soc", "ie", "", "AY AX"), ("d", "ie", "t", "AY AX"), ("_:", "ies", "_", "AY Z"),
    ("_:", "ie", "_", "AY"), ("_:", "ied", "_", "AY D"), ("pl", "ied", "_", "AY D"), ("n", "ied", "_", "AY D"),
    ("f", "ied", "_", "AY D"), ("#:", "ied", "_", "IY D"), ("", "ies", "_", "IY Z"),
    ("", "ievable", "_", "IY V AX B AX L"), ("", "ie", "w", "Y "), ("", "ier", "", "IH R"), ("", "ie", "", "IY"),
    ("", "ique", "_", "IY K"), ("", "ize", "", "AY Z"), ("", "izing", "", "AY Z IX NG"), ("", "igh", "", "AY"),
    ("", "ign", "_", "AY N"), ("", "ign", "ed_", "AY N"), ("", "ign", "s_", "AY N"), ("", "ign", "ing_", "AY N"),
    ("", "ild", "_", "AY L D"), ("", "ilds", "_", "AY L D Z"), ("", "ild", "ren", "IH L D"),
    ("", "ind", "_", "AY N D"), ("", "inds", "_", "AY N D Z"), ("", "inding", "_", "AY N D IX NG"),
    ("", "inder", "_", "AY N D ER"), ("sp", "iri", "", "IH R IX"), ("", "ire", "", "AY ER"),
    ("", "iring", "", "AY R IX NG"), ("", "irr", "", "IH R"), ("", "iro", "", "AY R OW"), ("", "ir", "", "ER"),
    ("#:", "ing", "_", "IX NG"), ("#:", "ings", "_", "IX NG Z"), ("#:", "ingly", "_", "IX NG L IY"),
    ("g", "ive", "", "IH V"), ("l", "ive", "", "IH V"), ("l", "iving", "", "IH V IX NG"),
    ("#:", "ively", "_", "IX V L IY"), ("#:t", "ive", "", "IX V"), ("#:s", "ive", "", "IX V"),
    ("dv", "ice", "_", "AY S"), ("pr", "ice", "_", "AY S"), ("#:", "ice", "_", "AX S"),
    ("#:", "ices", "_", "AX S IX Z"), ("in", "ite", "_", "AX T"), ("in", "ite", "ly_", "AX T"),
    ("or", "ite", "_", "AX T"), ("os", "ite", "_", "AX T"), ("#:", "ite", "_", "AY T"),
    ("", "icity", "_", "IH1 S AX T IY"), ("", "ivity", "_", "IH1 V AX T IY"), ("", "ivities", "_", "IH1 V AX T IY Z"),
    ("", "ility", "_", "IH1 L AX T IY"), ("", "ilities", "_", "IH1 L AX T IY Z"), ("#:", "ity", "_", "AX T IY"),
    ("#:", "ities", "_", "AX T IY Z"), ("l", "ine", "_", "AY N"), ("l", "ines", "_", "AY N Z"),
    ("#:", "ine", "_", "IX N"), ("#:", "ible", "_", "AX B AX L"), ("#:", "ish", "_", "IX SH"),
    ("#:", "ism", "_", "IH Z AX M"), ("#:", "ist", "_", "IX S T"), ("#:", "ists", "_", "IX S T S"),
    ("#:", "ic", "_", "IX K"), ("#:", "ics", "_", "IX K S"), ("#:", "ically", "_", "IX K L IY"),
    ("#:", "ical", "", "IX K AX L"), ("#:", "id", "_", "IX D"), ("#:", "in", "_", "IX N"), ("#:", "it", "_", "IX T"),
    ("#:", "its", "_", "IX T S"), ("", "i", "tion", "IH"), ("", "i", "sion", "IH"), ("", "i", "cian", "IH"),
    ("", "i", "cial", "IH"), ("", "i", "cious", "IH"), ("", "i", "x", "IH"), ("", "i", "^%", "AY"),
    ("", "i", "^le_", "AY"), ("", "i", "ght", "AY"), ("_", "i", "ce", "AY"), ("_", "i", "ro", "AY"),
    ("_", "i", "tem", "AY"), ("_:", "i", "#", "AY"), ("", "i", "a", "IY"), ("", "i", "o", "IY"), ("", "i", "u", "IY"),
    ("", "i", "_", "IY"), ("", "i", "", "IH"),
];

#[rustfmt::skip]
const J: &[Rule] = &[
    ("", "j", "", "JH"),
];

#[rustfmt::skip]
const K: &[Rule] = &[
    ("_", "kn", "", "N"), ("", "kk", "", "K"), ("", "know", "", "N OW"), ("", "kh", "", "K"), ("", "k", "", "K"),
];

#[rustfmt::skip]
const L: &[Rule] = &[
    ("_", "lo", "c#", "L OW"), ("^", "le", "_", "AX L"), ("^", "les", "_", "AX L Z"), ("^", "led", "_", "AX L D"),
    ("^", "ling", "_", "L IX NG"), ("", "ll", "", "L"), ("_", "live", "_", "L IH V"), ("#:", "less", "_", "L AX S"),
    ("", "l", "", "L"),
];

#[rustfmt::skip]
const M: &[Rule] = &[
    ("_", "mn", "", "N"), ("", "mm", "", "M"), ("", "mn", "_", "M"), ("#:", "ment", "_", "M AX N T"),
    ("#:", "ments", "_", "M AX N T S"), ("_", "mov", "", "M UW V"), ("_", "mc", "", "M AX K"), ("", "m", "", "M"),
];

#[rustfmt::skip]
const N: &[Rule] = &[
    ("e", "ng", "th", "NG K"), ("", "nger", "_", "NG ER"), ("", "ngers", "_", "NG ER Z"), ("", "ng", "r", "NG G"),
    ("", "ng", "l", "NG G"), ("", "ng", "u", "NG G"), ("", "ng", "a", "NG G"), ("", "ng", "o", "NG G"),
    ("", "ng", "e", "N JH"), ("", "ng", "ing", "NG"), ("", "ng", "i", "N JH"), ("", "ng", "y", "N JH"),
    ("", "ng", "", "NG"), ("", "nk", "", "NG K"), ("", "nx", "", "NG K S"), ("", "nct", "", "NG K T"),
    ("", "nn", "", "N"), ("#:", "ness", "_", "N AX S"), ("_", "now", "_", "N AW"), ("", "n", "", "N"),
];

#[rustfmt::skip]
const O: &[Rule] = &[
    ("_", "of", "_", "AH V"), ("_", "one", "", "W AH N"), ("", "orough", "", "ER OW"), ("", "ought", "", "AO T"),
    ("r", "ough", "_", "AH F"), ("n", "ough", "", "AH F"), ("t", "ough", "", "AH F"), ("", "ough", "", "OW"),
    ("", "oar", "", "AO R"), ("", "oa", "", "OW"), ("", "oe", "_", "OW"), ("", "oes", "_", "OW Z"),
    ("", "oe", "", "IY"), ("", "oid", "", "OY D"), ("", "oing", "_", "OW IX NG"), ("", "oin", "", "OY N"),
    ("", "oi", "", "OY"), ("", "oy", "", "OY"), ("fl", "oo", "d", "AH"), ("bl", "oo", "d", "AH"),
    ("", "oor", "", "AO R"), ("", "ook", "", "UH K"), ("f", "oot", "", "UH T"), ("g", "oo", "d", "UH"),
    ("st", "oo", "d", "UH"), ("h", "oo", "d", "UH"), ("w", "oo", "", "UH"), ("", "oo", "", "UW"),
    ("", "ould", "", "UH D"), ("h", "ouse", "", "AW S"), ("c", "ou", "ntr", "AH"), ("c", "ous", "in", "AH Z"),
    ("y", "oung", "", "AH NG"), ("", "ouble", "", "AH B AX L"), ("t", "ouch", "", "AH CH"),
    ("s", "outh", "er", "AH DH"), ("s", "oul", "", "OW L"), ("sh", "oul", "d", "UH "), ("_y", "our", "", "AO R"),
    ("f", "our", "", "AO R"), ("c", "our", "t", "AO R"), ("c", "our", "se", "AO R"), ("s", "our", "ce", "AO R"),
    ("p", "our", "", "AO R"), ("j", "our", "", "ER"), ("c", "our", "a", "ER"), ("#:", "our", "_", "ER"),
    ("", "our", "", "AW ER"), ("y", "ou", "_", "UW"), ("r", "ou", "te", "UW"), ("gr", "ou", "p", "UW"),
    ("thr", "ou", "gh", "UW"), ("s", "ou", "p", "UW"), ("#:", "ous", "", "AX S"), ("", "ously", "_", "AX S L IY"),
    ("", "ous", "_", "AX S"), ("", "ou", "", "AW"), ("", "own", "ed_", "OW N"), ("_", "own", "", "OW N"),
    ("n", "own", "", "OW N"), ("gr", "own", "", "OW N"), ("sh", "own", "", "OW N"), ("thr", "own", "", "OW N"),
    ("", "own", "", "AW N"), ("sh", "ow", "er", "AW"), ("_l", "ower", "", "OW ER"), ("foll", "ower", "", "OW ER"),
    ("_sl", "ower", "", "OW ER"), ("", "ower", "", "AW ER"), ("", "owd", "", "AW D"), ("", "owl", "_", "AW L"),
    ("_h", "ow", "", "AW"), ("_n", "ow", "", "AW"), ("_c", "ow", "", "AW"), ("all", "ow", "", "AW"),
    ("_v", "ow", "", "AW"), ("_w", "ow", "", "AW"), ("", "ow", "", "OW"), ("_c", "o", "py", "AA"),
    ("_b", "o", "die", "AA"), ("_h", "o", "ney", "AH"), ("", "over", "_", "OW V ER"), ("_", "over", "", "OW V ER"),
    ("_b", "other", "", "AA DH ER"), ("", "other", "", "AH DH ER"), ("_s", "ome", "", "AH M"),
    ("c", "ome", "", "AH M"), ("_", "o", "nly", "OW"), ("", "oll", "_", "OW L"), ("", "old", "", "OW L D"),
    ("", "olt", "", "OW L T"), ("", "olk", "", "OW K"), ("p", "ost", "", "OW S T"), ("h", "ost", "", "OW S T"),
    ("m", "ost", "", "OW S T"), ("c", "ost", "", "AO S T"), ("l", "ost", "", "AO S T"), ("_b", "oth", "_", "OW TH"),
    ("#:", "or", "_", "ER"), ("#:", "ors", "_", "ER Z"), ("#:", "ory", "_", "ER IY"), ("w", "or", "k", "ER"),
    ("w", "or", "d", "ER"), ("w", "or", "l", "ER"), ("w", "or", "s", "ER"), ("w", "or", "t", "ER"),
    ("", "ore", "_", "AO R"), ("w", "orr", "", "ER"), ("", "orr", "", "AA R"), ("", "or", "", "AO R"),
    ("l", "ove", "", "AH V"), ("ab", "ove", "", "AH V"), ("pr", "ove", "", "UW V"), ("m", "ove", "", "UW V"),
    ("_l", "os", "e_", "UW Z"), ("wh", "o", "", "UW"), ("tw", "o", "", "UW"), ("m", "on", "k", "AH N"),
    ("m", "on", "th", "AH N"), ("m", "on", "ey", "AH N"), ("m", "on", "day", "AH N"), ("", "ong", "", "AO NG"),
    ("#:", "on", "_", "AX N"), ("#:", "ons", "_", "AX N Z"), ("#:", "om", "_", "AX M"), ("tr", "ol", "", "OW L"),
    ("h", "ol", "_", "AO L"), ("#:", "ol", "_", "AX L"), ("#:", "ot", "_", "AX T"), ("", "oss", "", "AO S"),
    ("", "off", "", "AO F"), ("", "og", "_", "AO G"), ("", "ological", "", "AX L AA1 JH IX K AX L"),
    ("", "ology", "_", "AA1 L AX JH IY"), ("", "ologist", "", "AA1 L AX JH IX S T"),
    ("", "ography", "_", "AA1 G R AX F IY"), ("", "ocracy", "_", "AA1 K R AX S IY"), ("", "o", "tion", "OW"),
    ("", "o", "sion", "OW"), ("", "o", "cia", "OW"), ("", "o", "ci#", "OW"), ("", "o", "^ia", "OW"),
    ("", "o", "^io", "OW"), ("", "o", "^iu", "OW"), ("", "o", "^ie", "OW"), ("", "o", "the_", "OW"),
    ("c", "o", "ver", "AH"), ("", "o", "ven", "AH"), ("", "o", "x", "AA"), ("", "o", "^%", "OW"),
    ("", "o", "ble", "OW"), ("", "o", "^y_", "OW"), ("_:", "o", "_", "OW"), ("_:", "o", "#", "OW"),
    ("_", "o", "ba", "OW"), ("_", "o", "pen", "OW"), ("_h", "o", "tel", "OW"), ("_ph", "o", "to", "OW"),
    ("_n", "o", "ti", "OW"), ("_f", "o", "cus", "OW"), ("_n", "o", "vem", "OW"), ("_:", "o", "^al_", "OW"),
    ("_:", "o", "^en", "OW"), ("_pr", "o", "per", "AA"), ("_pr", "o", "ce", "AA"), ("_pr", "o", "du", "AA"),
    ("_pr", "o", "mi", "AA"), ("_pr", "o", "fi", "AA"), ("_pr", "o", "^#", "AX"), ("", "o", "_", "OW"),
    ("", "os", "_", "OW Z"), ("", "o", "e", "OW"), ("#:", "o", "^#", "AX"), ("", "o", "", "AA"),
];

#[rustfmt::skip]
const P: &[Rule] = &[
    ("", "ph", "", "F"), ("", "pp", "", "P"), ("_", "ps", "", "S"), ("_", "pn", "", "N"),
    ("", "people", "", "P IY P AX L"), ("_", "put", "_", "P UH T"), ("_", "pull", "", "P UH L"),
    ("_", "push", "", "P UH SH"), ("", "p", "", "P"),
];

#[rustfmt::skip]
const Q: &[Rule] = &[
    ("", "que", "_", "K"), ("", "ques", "_", "K S"), ("", "qu", "", "K W"), ("", "q", "", "K"),
];

#[rustfmt::skip]
const R: &[Rule] = &[
    ("_", "rh", "", "R"), ("", "rrh", "", "R"), ("_", "re", "^#", "R IX"), ("", "rr", "", "R"),
    ("_", "ready", "_", "R EH D IY"), ("", "r", "", "R"),
];

#[rustfmt::skip]
const S: &[Rule] = &[
    ("", "sh", "", "SH"), ("", "sm", "_", "Z AX M"), ("", "ssion", "", "SH AX N"), ("", "ssian", "", "SH AX N"),
    ("", "ssia", "_", "SH AX"), ("", "ssure", "", "SH ER"), ("", "ssue", "", "SH UW"), ("#", "sion", "", "ZH AX N"),
    ("r", "sion", "", "ZH AX N"), ("", "sia", "", "ZH AX"), ("", "sion", "", "SH AX N"), ("#", "sure", "", "ZH ER"),
    ("", "sure", "", "SH UH R"), ("", "sugar", "", "SH UH G ER"), ("", "sual", "", "ZH UW AX L"),
    ("", "stle", "_", "S AX L"), ("", "sten", "_", "S AX N"), ("a", "sed", "_", "S T"), ("ea", "sed", "_", "S T"),
    ("cu", "sed", "_", "S T"), ("#", "sed", "_", "Z D"), ("_", "said", "", "S EH D"), ("", "ss", "_", "S"),
    ("", "ss", "", "S"), ("ea", "s", "e_", "S"), ("_ba", "s", "", "S"), ("_ca", "s", "", "S"), ("cha", "s", "", "S"),
    ("_re", "s", "ea", "S"), ("_re", "s", "our", "S"), ("_di", "s", "", "S"), ("_mi", "s", "", "S"),
    ("ba", "s", "i", "S"), ("cri", "s", "i", "S"), ("ly", "s", "i", "S"), ("ou", "s", "e_", "S"),
    ("oo", "s", "e_", "S"), ("#", "s", "#_", "Z"), ("#", "s", "on_", "Z"), ("#", "s", "#", "Z"),
    ("hu", "s", "band", "Z"), ("mu", "s", "lim", "Z"), ("#", "s", "ing_", "Z"), ("#", "s", "er_", "Z"),
    ("u", "s", "_", "S"), ("i", "s", "_", "S"), ("a", "s", "_", "Z"), ("p", "s", "_", "S"), ("t", "s", "_", "S"),
    ("k", "s", "_", "S"), ("f", "s", "_", "S"), ("c", "s", "_", "S"), ("h", "s", "_", "S"), (".", "s", "_", "Z"),
    ("#", "s", "_", "Z"), ("_", "sch", "", "S K"), ("", "sc", "+", "S"), ("", "s", "m_", "Z AX"),
    ("#", "s", "^#_", "S"), ("", "s", "", "S"),
];

#[rustfmt::skip]
const T: &[Rule] = &[
    ("_", "the", "_", "DH AX"), ("_", "to", "_", "T UW"), ("", "that", "_", "DH AE T"), ("_", "this", "_", "DH IH S"),
    ("_", "they", "", "DH EY"), ("_", "there", "", "DH EH R"), ("_", "them", "", "DH EH M"),
    ("_", "then", "", "DH EH N"), ("_", "their", "", "DH EH R"), ("_", "than", "_", "DH AE N"),
    ("_", "these", "_", "DH IY Z"), ("_", "those", "_", "DH OW Z"), ("_", "though", "", "DH OW"),
    ("_", "through", "", "TH R UW"), ("_", "thus", "", "DH AH S"), ("", "ther", "", "DH ER"),
    ("", "thm", "", "DH AX M"), ("", "thing", "", "TH IH NG"), ("", "th", "", "TH"), ("s", "tion", "", "CH AX N"),
    ("", "tionally", "_", "SH AX N AX L IY"), ("r", "tu", "n", "CH AX"), ("", "tue", "_", "CH UW"),
    ("", "tion", "", "SH AX N"), ("", "tia", "l", "SH AX"), ("", "tia", "", "SH IY AX"), ("", "tien", "", "SH AX N"),
    ("", "tious", "", "SH AX S"), ("", "tual", "", "CH UW AX L"), ("", "ture", "_", "CH ER"),
    ("", "tures", "_", "CH ER Z"), ("", "tured", "_", "CH ER D"), ("", "tur", "a", "CH ER"),
    ("", "tu", "at", "CH UW"), ("", "tch", "", "CH"), ("#:", "ted", "_", "T IX D"), ("", "tt", "", "T"),
    ("_", "two", "", "T UW"), ("", "tz", "", "T S"), ("s", "t", "en_", ""), ("f", "t", "en_", ""), ("", "t", "", "T"),
];

#[rustfmt::skip]
const U: &[Rule] = &[
    ("_", "uni", "", "Y UW N IX"), ("_", "un", "", "AH N"), ("_", "upon", "_", "AX P AO1 N"),
    ("_", "use", "", "Y UW Z"), ("_", "usu", "", "Y UW ZH UW"), ("r", "uel", "_", "UW AX L"), ("", "uy", "", "AY"),
    ("r", "ue", "", "UW"), ("l", "ue", "", "UW"), ("", "ue", "_", "Y UW"), ("", "ues", "_", "Y UW Z"),
    ("fr", "ui", "t", "UW"), ("s", "ui", "t", "UW"), ("j", "ui", "", "UW"), ("", "ui", "", "UW IX"),
    ("", "ural", "", "ER AX L"), ("b", "ury", "", "EH R IY"), ("c", "ure", "_", "Y UH R"),
    ("", "ured", "_", "Y ER D"), ("_p", "ure", "", "Y UH R"), ("_b", "ush", "", "UH SH"), ("ins", "ur", "", "UH R"),
    ("#:", "ure", "_", "Y ER"), ("", "urr", "", "ER"), ("", "ur", "#", "Y UH R"), ("", "ur", "", "ER"),
    ("", "ually", "", "UW AX L IY"), ("", "ual", "", "UW AX L"), ("f", "ull", "", "UH L"), ("b", "ull", "", "UH L"),
    ("se", "um", "_", "IY AX M"), ("_:", "um", "_", "AH M"), ("", "um", "_", "AX M"), ("_:", "us", "_", "AH S"),
    ("", "us", "_", "AX S"), ("#:", "ular", "_", "Y AX L ER"), ("#:", "ulation", "", "Y AX L EY SH AX N"),
    ("#:", "ulate", "", "Y AX L EY T"), ("r", "u", "^#", "UW"), ("l", "u", "^#", "UW"), ("j", "u", "^#", "UW"),
    ("d", "u", "^#", "UW"), ("t", "u", "^#", "UW"), ("s", "u", "^er", "UW"), ("s", "u", "^#", "UW"),
    ("n", "u", "^#", "UW"), ("b", "u", "tt", "AH"), ("", "u", "^^", "AH"), ("", "u", "^_", "AH"),
    ("", "u", "^#", "Y UW"), ("", "u", "_", "UW"), ("", "u", "a", "Y UW"), ("", "u", "", "AH"),
];

#[rustfmt::skip]
const V: &[Rule] = &[
    ("", "view", "", "V Y UW"), ("", "vv", "", "V"), ("", "v", "", "V"),
];

#[rustfmt::skip]
const W: &[Rule] = &[
    ("_", "were", "_", "W ER"), ("_", "was", "_", "W AA Z"), ("_", "what", "", "W AH T"),
    ("_", "where", "", "W EH R"), ("_", "whole", "", "HH OW L"), ("_", "who", "", "HH UW"),
    ("_", "women", "", "W IH M AX N"), ("_", "woman", "", "W UH M AX N"), ("", "wh", "", "W"), ("_", "wr", "", "R"),
    ("", "wor", "", "W ER"), ("s", "wer", "_", "ER"), ("", "w", "r", ""), ("", "w", "", "W"),
];

#[rustfmt::skip]
const X: &[Rule] = &[
    ("_", "x", "", "Z"), ("", "xc", "+", "K S"), ("", "xi", "ou", "K SH"), ("", "xual", "", "K SH UW AX L"),
    ("", "x", "", "K S"),
];

#[rustfmt::skip]
const Y: &[Rule] = &[
    ("_", "you", "", "Y UW"), ("_", "yes", "_", "Y EH S"), ("_", "y", "#", "Y"), ("_", "y", "", "Y"),
    ("#:", "ying", "_", "IY IX NG"), ("_:", "ying", "_", "AY IX NG"), ("f", "y", "_", "AY"), ("_:", "y", "_", "AY"),
    ("pl", "y", "_", "AY"), ("ppl", "y", "_", "AY"), ("#:", "y", "_", "IY"), ("", "y", "_", "IY"),
    ("", "yone", "", "IY W AH N"), ("", "ything", "", "IY TH IH NG"), ("", "y", "body", "IY"), ("", "yr", "", "AY R"),
    ("_ph", "y", "", "IH"), ("_t", "y", "pi", "IH"), ("_s", "y", "", "IH"), ("_:", "y", "^%", "AY"),
    ("_:", "y", "^#", "AY"), ("", "y", "^%", "AY"), ("w", "y", "er", "Y"), ("#", "y", "#", "Y"), ("", "y", "", "IH"),
];

#[rustfmt::skip]
const Z: &[Rule] = &[
    ("", "zz", "", "Z"), ("", "zure", "", "ZH ER"), ("", "z", "", "Z"),
];
