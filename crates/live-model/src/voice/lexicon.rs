//! English words that the letter rules would get wrong, or that are so common that they must be right; data only.

/// Finds the sounds of a lower-case word.
pub(super) fn look_up(word: &str) -> Option<&'static str> {
    WORDS.binary_search_by_key(&word, |(entry, _)| entry).ok().map(|index| WORDS[index].1)
}

/// Whether the word is one of those that English leaves unaccented.
pub(super) fn is_weak(word: &str) -> bool {
    WEAK.binary_search(&word).is_ok()
}

/// Returns the name of an ASCII letter.
pub(super) fn letter_name(letter: u8) -> &'static str {
    LETTERS[usize::from(letter.to_ascii_lowercase() - b'a')]
}

#[rustfmt::skip]
const LETTERS: [&str; 26] = [
    "EY1", "B IY1", "S IY1", "D IY1", "IY1", "EH1 F", "JH IY1", "EY1 CH", "AY1", "JH EY1", "K EY1", "EH1 L", "EH1 M", "EH1 N",
    "OW1", "P IY1", "K Y UW1", "AA1 R", "EH1 S", "T IY1", "Y UW1", "V IY1", "D AH1 B AX L Y UW", "EH1 K S", "W AY1", "Z IY1",
];

#[rustfmt::skip]
const WEAK: &[&str] = &[
    "a", "am", "an", "and", "are", "as", "at", "be", "but", "by", "can", "could", "do", "for", "from", "had", "has",
    "have", "he", "her", "him", "his", "i", "if", "in", "is", "it", "its", "may", "me", "might", "my", "nor", "of",
    "on", "or", "our", "shall", "she", "should", "than", "that", "the", "their", "them", "there", "they", "they're",
    "through", "to", "us", "was", "we", "were", "will", "with", "would", "you", "your",
];

/// Sorted by word.
#[rustfmt::skip]
static WORDS: &[(&str, &str)] = &[
    ("a", "AX"), ("about", "AX B AW1 T"), ("above", "AX B AH1 V"), ("again", "AX G EH1 N"),
    ("against", "AX G EH1 N S T"), ("ago", "AX G OW1"), ("all", "AO1 L"), ("almost", "AO1 L M OW2 S T"),
    ("already", "AO L R EH1 D IY"), ("also", "AO1 L S OW"), ("although", "AO L DH OW1"), ("always", "AO1 L W EY2 Z"),
    ("am", "AE1 M"), ("an", "AE N"), ("and", "AE N D"), ("another", "AX N AH1 DH ER"), ("answer", "AE1 N S ER"),
    ("any", "EH1 N IY"), ("anybody", "EH1 N IY B AA2 D IY"), ("anyone", "EH1 N IY W AH2 N"),
    ("anything", "EH1 N IY TH IH2 NG"), ("api", "EY2 P IY AY1"), ("are", "AA R"), ("aren't", "AA1 R AX N T"),
    ("article", "AA1 R T IX K AX L"), ("as", "AE Z"), ("ask", "AE1 S K"), ("asked", "AE1 S K T"), ("at", "AE T"),
    ("audio", "AO1 D IY OW"), ("aunt", "AE1 N T"), ("away", "AX W EY1"), ("be", "B IY"),
    ("beautiful", "B Y UW1 T AX F AX L"), ("because", "B IX K AO1 Z"), ("become", "B IX K AH1 M"),
    ("been", "B IH1 N"), ("before", "B IX F AO1 R"), ("began", "B IX G AE1 N"), ("begin", "B IX G IH1 N"),
    ("being", "B IY1 IX NG"), ("between", "B IX T W IY1 N"), ("blood", "B L AH1 D"), ("body", "B AA1 D IY"),
    ("both", "B OW1 TH"), ("bought", "B AO1 T"), ("bread", "B R EH1 D"), ("break", "B R EY1 K"),
    ("breakfast", "B R EH1 K F AX S T"), ("brother", "B R AH1 DH ER"), ("brought", "B R AO1 T"),
    ("build", "B IH1 L D"), ("building", "B IH1 L D IX NG"), ("built", "B IH1 L T"), ("business", "B IH1 Z N AX S"),
    ("busy", "B IH1 Z IY"), ("but", "B AH T"), ("buy", "B AY1"), ("by", "B AY"), ("called", "K AO1 L D"),
    ("can", "K AE N"), ("can't", "K AE1 N T"), ("cannot", "K AE1 N AA T"), ("caught", "K AO1 T"),
    ("certain", "S ER1 T AX N"), ("change", "CH EY1 N JH"), ("chief", "CH IY1 F"), ("children", "CH IH1 L D R AX N"),
    ("choose", "CH UW1 Z"), ("chose", "CH OW1 Z"), ("christmas", "K R IH1 S M AX S"), ("city", "S IH1 T IY"),
    ("clothes", "K L OW1 Z"), ("color", "K AH1 L ER"), ("come", "K AH1 M"), ("comes", "K AH1 M Z"),
    ("coming", "K AH1 M IX NG"), ("company", "K AH1 M P AX N IY"), ("computer", "K AX M P Y UW1 T ER"),
    ("could", "K UH D"), ("couldn't", "K UH1 D AX N T"), ("country", "K AH1 N T R IY"), ("couple", "K AH1 P AX L"),
    ("course", "K AO1 R S"), ("court", "K AO1 R T"), ("cover", "K AH1 V ER"), ("cup", "K AH1 P"),
    ("data", "D EY1 T AX"), ("daughter", "D AO1 T ER"), ("dead", "D EH1 D"), ("death", "D EH1 TH"),
    ("degrees", "D IX G R IY1 Z"), ("did", "D IH1 D"), ("didn't", "D IH1 D AX N T"),
    ("different", "D IH1 F R AX N T"), ("do", "D UW"), ("does", "D AH1 Z"), ("doesn't", "D AH1 Z AX N T"),
    ("doing", "D UW1 IX NG"), ("dollar", "D AA1 L ER"), ("don't", "D OW1 N T"), ("done", "D AH1 N"),
    ("door", "D AO1 R"), ("double", "D AH1 B AX L"), ("doubt", "D AW1 T"), ("during", "D UH1 R IX NG"),
    ("early", "ER1 L IY"), ("earth", "ER1 TH"), ("eight", "EY1 T"), ("eighteen", "EY T IY1 N"),
    ("eighth", "EY1 T TH"), ("eighty", "EY1 T IY"), ("either", "IY1 DH ER"), ("eleven", "IX L EH1 V AX N"),
    ("else", "EH1 L S"), ("empty", "EH1 M P T IY"), ("enough", "IX N AH1 F"), ("euro", "Y UH1 R OW"),
    ("euros", "Y UH1 R OW Z"), ("even", "IY1 V AX N"), ("evening", "IY1 V N IX NG"), ("event", "IX V EH1 N T"),
    ("ever", "EH1 V ER"), ("every", "EH1 V R IY"), ("everybody", "EH1 V R IY B AA2 D IY"),
    ("everyone", "EH1 V R IY W AH2 N"), ("everything", "EH1 V R IY TH IH2 NG"), ("eye", "AY1"), ("eyes", "AY1 Z"),
    ("family", "F AE1 M L IY"), ("far", "F AA1 R"), ("father", "F AA1 DH ER"), ("few", "F Y UW1"),
    ("fifteen", "F IH F T IY1 N"), ("fifth", "F IH1 F TH"), ("fifty", "F IH1 F T IY"), ("final", "F AY1 N AX L"),
    ("finally", "F AY1 N AX L IY"), ("fire", "F AY1 ER"), ("first", "F ER1 S T"), ("five", "F AY1 V"),
    ("flood", "F L AH1 D"), ("floor", "F L AO1 R"), ("flower", "F L AW1 ER"), ("food", "F UW1 D"),
    ("foot", "F UH1 T"), ("for", "F AO R"), ("foreign", "F AO1 R AX N"), ("forty", "F AO1 R T IY"),
    ("four", "F AO1 R"), ("fourteen", "F AO R T IY1 N"), ("fourth", "F AO1 R TH"), ("friday", "F R AY1 D EY"),
    ("friend", "F R EH1 N D"), ("friends", "F R EH1 N D Z"), ("from", "F R AH M"), ("front", "F R AH1 N T"),
    ("full", "F UH1 L"), ("gave", "G EY1 V"), ("gemini", "JH EH1 M IX N AY2"), ("get", "G EH1 T"),
    ("gets", "G EH1 T S"), ("getting", "G EH1 T IX NG"), ("girl", "G ER1 L"), ("give", "G IH1 V"),
    ("given", "G IH1 V AX N"), ("gives", "G IH1 V Z"), ("giving", "G IH1 V IX NG"), ("go", "G OW1"),
    ("goes", "G OW1 Z"), ("going", "G OW1 IX NG"), ("gone", "G AO1 N"), ("good", "G UH1 D"),
    ("google", "G UW1 G AX L"), ("got", "G AA1 T"), ("government", "G AH1 V ER M AX N T"), ("great", "G R EY1 T"),
    ("ground", "G R AW1 N D"), ("group", "G R UW1 P"), ("guess", "G EH1 S"), ("had", "HH AE D"),
    ("half", "HH AE1 F"), ("hand", "HH AE1 N D"), ("has", "HH AE Z"), ("have", "HH AE V"),
    ("haven't", "HH AE1 V AX N T"), ("having", "HH AE1 V IX NG"), ("he", "HH IY"), ("head", "HH EH1 D"),
    ("heard", "HH ER1 D"), ("heart", "HH AA1 R T"), ("heavy", "HH EH1 V IY"), ("height", "HH AY1 T"),
    ("hello", "HH AX L OW1"), ("her", "HH ER"), ("here", "HH IH1 R"), ("hers", "HH ER1 Z"), ("hertz", "HH ER1 T S"),
    ("high", "HH AY1"), ("him", "HH IH M"), ("his", "HH IH Z"), ("hold", "HH OW1 L D"), ("home", "HH OW1 M"),
    ("hour", "AW1 ER"), ("hours", "AW1 ER Z"), ("house", "HH AW1 S"), ("how", "HH AW1"),
    ("however", "HH AW EH1 V ER"), ("hundred", "HH AH1 N D R AX D"), ("i", "AY"), ("idea", "AY D IY1 AX"),
    ("if", "IH F"), ("image", "IH1 M IX JH"), ("important", "IX M P AO1 R T AX N T"), ("in", "IH N"),
    ("information", "IH N F ER M EY1 SH AX N"), ("instead", "IX N S T EH1 D"),
    ("interesting", "IH1 N T R AX S T IX NG"), ("into", "IH1 N T UW"), ("iron", "AY1 ER N"), ("is", "IH Z"),
    ("island", "AY1 L AX N D"), ("isn't", "IH1 Z AX N T"), ("it", "IH T"), ("its", "IH T S"),
    ("itself", "IX T S EH1 L F"), ("json", "JH EY1 S AX N"), ("just", "JH AH1 S T"),
    ("kilometers", "K IX L AA1 M AX T ER Z"), ("kind", "K AY1 N D"), ("knew", "N UW1"), ("know", "N OW1"),
    ("knowledge", "N AA1 L IX JH"), ("known", "N OW1 N"), ("language", "L AE1 NG G W IX JH"),
    ("large", "L AA1 R JH"), ("last", "L AE1 S T"), ("laugh", "L AE1 F"), ("learn", "L ER1 N"), ("leave", "L IY1 V"),
    ("length", "L EH1 NG K TH"), ("less", "L EH1 S"), ("library", "L AY1 B R EH2 R IY"), ("listen", "L IH1 S AX N"),
    ("listening", "L IH1 S AX N IX NG"), ("little", "L IH1 T AX L"), ("live", "L IH1 V"), ("lives", "L IH1 V Z"),
    ("living", "L IH1 V IX NG"), ("lose", "L UW1 Z"), ("love", "L AH1 V"), ("machine", "M AX SH IY1 N"),
    ("made", "M EY1 D"), ("many", "M EH1 N IY"), ("may", "M EY"), ("maybe", "M EY1 B IY"), ("me", "M IY"),
    ("mean", "M IY1 N"), ("meant", "M EH1 N T"), ("measure", "M EH1 ZH ER"), ("message", "M EH1 S IX JH"),
    ("might", "M AY T"), ("million", "M IH1 L Y AX N"), ("minute", "M IH1 N AX T"), ("minutes", "M IH1 N AX T S"),
    ("model", "M AA1 D AX L"), ("monday", "M AH1 N D EY"), ("money", "M AH1 N IY"), ("month", "M AH1 N TH"),
    ("months", "M AH1 N TH S"), ("more", "M AO1 R"), ("morning", "M AO1 R N IX NG"), ("most", "M OW1 S T"),
    ("mother", "M AH1 DH ER"), ("mountain", "M AW1 N T AX N"), ("move", "M UW1 V"), ("movie", "M UW1 V IY"),
    ("much", "M AH1 CH"), ("music", "M Y UW1 Z IX K"), ("must", "M AH1 S T"), ("my", "M AY"),
    ("myself", "M AY S EH1 L F"), ("nature", "N EY1 CH ER"), ("need", "N IY1 D"), ("neither", "N IY1 DH ER"),
    ("never", "N EH1 V ER"), ("new", "N UW1"), ("night", "N AY1 T"), ("nine", "N AY1 N"),
    ("nineteen", "N AY N T IY1 N"), ("ninety", "N AY1 N T IY"), ("ninth", "N AY1 N TH"), ("no", "N OW1"),
    ("none", "N AH1 N"), ("nor", "N AO R"), ("not", "N AA1 T"), ("nothing", "N AH1 TH IX NG"), ("now", "N AW1"),
    ("number", "N AH1 M B ER"), ("object", "AA1 B JH EH K T"), ("ocean", "OW1 SH AX N"), ("of", "AH V"),
    ("off", "AO1 F"), ("office", "AO1 F AX S"), ("often", "AO1 F AX N"), ("oh", "OW1"), ("ok", "OW K EY1"),
    ("okay", "OW K EY1"), ("old", "OW1 L D"), ("on", "AA N"), ("once", "W AH1 N S"), ("one", "W AH1 N"),
    ("ones", "W AH1 N Z"), ("only", "OW1 N L IY"), ("open", "OW1 P AX N"), ("or", "AO R"), ("other", "AH1 DH ER"),
    ("others", "AH1 DH ER Z"), ("ought", "AO1 T"), ("our", "AW ER"), ("ours", "AW1 ER Z"), ("out", "AW1 T"),
    ("over", "OW1 V ER"), ("own", "OW1 N"), ("part", "P AA1 R T"), ("party", "P AA1 R T IY"),
    ("people", "P IY1 P AX L"), ("percent", "P ER S EH1 N T"), ("perhaps", "P ER HH AE1 P S"),
    ("person", "P ER1 S AX N"), ("picture", "P IH1 K CH ER"), ("piece", "P IY1 S"), ("please", "P L IY1 Z"),
    ("poor", "P UH1 R"), ("pretty", "P R IH1 T IY"), ("probably", "P R AA1 B AX B L IY"),
    ("problem", "P R AA1 B L AX M"), ("program", "P R OW1 G R AE2 M"), ("public", "P AH1 B L IX K"),
    ("pull", "P UH1 L"), ("push", "P UH1 SH"), ("put", "P UH1 T"), ("question", "K W EH1 S CH AX N"),
    ("quiet", "K W AY1 AX T"), ("quite", "K W AY1 T"), ("radio", "R EY1 D IY OW"), ("rather", "R AE1 DH ER"),
    ("read", "R IY1 D"), ("ready", "R EH1 D IY"), ("real", "R IY1 L"), ("really", "R IY1 L IY"),
    ("reason", "R IY1 Z AX N"), ("receive", "R IX S IY1 V"), ("remember", "R IX M EH1 M B ER"), ("right", "R AY1 T"),
    ("river", "R IH1 V ER"), ("road", "R OW1 D"), ("said", "S EH1 D"), ("saturday", "S AE1 T ER D EY"),
    ("saw", "S AO1"), ("say", "S EY1"), ("says", "S EH1 Z"), ("school", "S K UW1 L"), ("science", "S AY1 AX N S"),
    ("second", "S EH1 K AX N D"), ("seconds", "S EH1 K AX N D Z"), ("see", "S IY1"), ("seen", "S IY1 N"),
    ("sentence", "S EH1 N T AX N S"), ("server", "S ER1 V ER"), ("seven", "S EH1 V AX N"),
    ("seventeen", "S EH V AX N T IY1 N"), ("seventh", "S EH1 V AX N TH"), ("seventy", "S EH1 V AX N T IY"),
    ("several", "S EH1 V R AX L"), ("shall", "SH AE L"), ("she", "SH IY"), ("shoe", "SH UW1"), ("should", "SH UH D"),
    ("shouldn't", "SH UH1 D AX N T"), ("show", "SH OW1"), ("sign", "S AY1 N"), ("simple", "S IH1 M P AX L"),
    ("since", "S IH1 N S"), ("six", "S IH1 K S"), ("sixteen", "S IH K S T IY1 N"), ("sixth", "S IH1 K S TH"),
    ("sixty", "S IH1 K S T IY"), ("small", "S M AO1 L"), ("so", "S OW1"), ("social", "S OW1 SH AX L"),
    ("some", "S AH1 M"), ("somebody", "S AH1 M B AA2 D IY"), ("someone", "S AH1 M W AH2 N"),
    ("something", "S AH1 M TH IX NG"), ("sometimes", "S AH1 M T AY2 M Z"), ("son", "S AH1 N"), ("soon", "S UW1 N"),
    ("sorry", "S AA1 R IY"), ("soul", "S OW1 L"), ("sound", "S AW1 N D"), ("special", "S P EH1 SH AX L"),
    ("speech", "S P IY1 CH"), ("spoken", "S P OW1 K AX N"), ("started", "S T AA1 R T IX D"), ("still", "S T IH1 L"),
    ("stomach", "S T AH1 M AX K"), ("story", "S T AO1 R IY"), ("strength", "S T R EH1 NG K TH"),
    ("study", "S T AH1 D IY"), ("such", "S AH1 CH"), ("sugar", "SH UH1 G ER"), ("summer", "S AH1 M ER"),
    ("sun", "S AH1 N"), ("sunday", "S AH1 N D EY"), ("sure", "SH UH1 R"), ("system", "S IH1 S T AX M"),
    ("table", "T EY1 B AX L"), ("talk", "T AO1 K"), ("ten", "T EH1 N"), ("tenth", "T EH1 N TH"),
    ("text", "T EH1 K S T"), ("than", "DH AE N"), ("thank", "TH AE1 NG K"), ("thanks", "TH AE1 NG K S"),
    ("that", "DH AE T"), ("that's", "DH AE1 T S"), ("the", "DH AX"), ("their", "DH EH R"), ("them", "DH EH M"),
    ("themselves", "DH EH M S EH1 L V Z"), ("then", "DH EH1 N"), ("there", "DH EH R"),
    ("therefore", "DH EH1 R F AO R"), ("these", "DH IY1 Z"), ("they", "DH EY"), ("they're", "DH EH R"),
    ("thing", "TH IH1 NG"), ("things", "TH IH1 NG Z"), ("think", "TH IH1 NG K"), ("third", "TH ER1 D"),
    ("thirteen", "TH ER T IY1 N"), ("thirty", "TH ER1 T IY"), ("this", "DH IH1 S"), ("those", "DH OW1 Z"),
    ("though", "DH OW1"), ("thought", "TH AO1 T"), ("thousand", "TH AW1 Z AX N D"), ("three", "TH R IY1"),
    ("through", "TH R UW"), ("thursday", "TH ER1 Z D EY"), ("to", "T UW"), ("today", "T AX D EY1"),
    ("together", "T AX G EH1 DH ER"), ("told", "T OW1 L D"), ("tomorrow", "T AX M AA1 R OW"),
    ("tonight", "T AX N AY1 T"), ("too", "T UW1"), ("took", "T UH1 K"), ("touch", "T AH1 CH"),
    ("toward", "T AO1 R D"), ("trouble", "T R AH1 B AX L"), ("tuesday", "T UW1 Z D EY"), ("turn", "T ER1 N"),
    ("twelfth", "T W EH1 L F TH"), ("twelve", "T W EH1 L V"), ("twenty", "T W EH1 N T IY"), ("two", "T UW1"),
    ("under", "AH1 N D ER"), ("understand", "AH N D ER S T AE1 N D"), ("until", "AX N T IH1 L"), ("up", "AH1 P"),
    ("upon", "AX P AA1 N"), ("us", "AH S"), ("use", "Y UW1 Z"), ("used", "Y UW1 Z D"), ("useful", "Y UW1 S F AX L"),
    ("user", "Y UW1 Z ER"), ("using", "Y UW1 Z IX NG"), ("usually", "Y UW1 ZH AX W AX L IY"),
    ("value", "V AE1 L Y UW"), ("very", "V EH1 R IY"), ("video", "V IH1 D IY OW"), ("voice", "V OY1 S"),
    ("want", "W AA1 N T"), ("war", "W AO1 R"), ("warm", "W AO1 R M"), ("was", "W AA Z"),
    ("wasn't", "W AA1 Z AX N T"), ("watch", "W AA1 CH"), ("water", "W AO1 T ER"), ("we", "W IY"),
    ("wear", "W EH1 R"), ("weather", "W EH1 DH ER"), ("websocket", "W EH1 B S AA2 K AX T"),
    ("wednesday", "W EH1 N Z D EY"), ("week", "W IY1 K"), ("weight", "W EY1 T"), ("well", "W EH1 L"),
    ("were", "W ER"), ("weren't", "W ER1 AX N T"), ("what", "W AH1 T"), ("when", "W EH1 N"), ("where", "W EH1 R"),
    ("whether", "W EH1 DH ER"), ("which", "W IH1 CH"), ("while", "W AY1 L"), ("who", "HH UW1"),
    ("whole", "HH OW1 L"), ("whom", "HH UW1 M"), ("whose", "HH UW1 Z"), ("why", "W AY1"), ("will", "W IH L"),
    ("with", "W IH DH"), ("within", "W IH DH IH1 N"), ("without", "W IH DH AW1 T"), ("woman", "W UH1 M AX N"),
    ("women", "W IH1 M AX N"), ("won't", "W OW1 N T"), ("wonder", "W AH1 N D ER"), ("word", "W ER1 D"),
    ("words", "W ER1 D Z"), ("work", "W ER1 K"), ("world", "W ER1 L D"), ("worth", "W ER1 TH"), ("would", "W UH D"),
    ("wouldn't", "W UH1 D AX N T"), ("write", "R AY1 T"), ("written", "R IH1 T AX N"), ("wrong", "R AO1 NG"),
    ("year", "Y IH1 R"), ("years", "Y IH1 R Z"), ("yes", "Y EH1 S"), ("yesterday", "Y EH1 S T ER D EY"),
    ("yet", "Y EH1 T"), ("you", "Y UW"), ("young", "Y AH1 NG"), ("your", "Y AO R"), ("yourself", "Y AO R S EH1 L F"),
    ("zero", "Z IH1 R OW"),
];

#[cfg(test)]
mod tests {
    use super::{LETTERS, WEAK, WORDS};
    use crate::voice::letter::parse;

    #[test]
    fn the_tables_are_sorted_and_name_known_sounds() {
        assert!(WORDS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(WEAK.is_sorted());
        for sounds in WORDS.iter().map(|(_, sounds)| sounds).chain(&LETTERS) {
            parse(sounds, &mut Vec::new());
        }
    }
}
