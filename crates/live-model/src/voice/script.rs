//! Letters outside ASCII: what they sound like, or which plain letters they stand for; best effort.
//!
//! Diacritics are folded, small alphabets and syllabaries have tables, Hangul is taken apart by arithmetic. A letter of any other
//! script is voiced as a neutral vowel, so that speech never falls silent over text that has letters.

/// Returns the ASCII letters that an accented or ligatured Latin letter is read as.
pub(super) fn fold(letter: char) -> Option<&'static str> {
    let folded = match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ạ' | 'ả' => "a",
        'ä' | 'æ' => "ae",
        'ç' => "s",
        'ć' | 'č' | 'ĉ' | 'ċ' => "ch",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | 'ẹ' | 'ế' | 'ề' | 'ệ' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | 'ị' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ł' | 'ĺ' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' | 'ŋ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ọ' | 'ộ' | 'ồ' | 'ơ' => "o",
        'ö' | 'œ' => "oe",
        'ŕ' | 'ř' => "r",
        'ś' | 'š' | 'ş' | 'ș' => "sh",
        'ŝ' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' | 'ŧ' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | 'ụ' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    };
    Some(folded)
}

/// Appends the ARPAbet names of one letter of another script, with a space before each.
pub(super) fn sounds(letter: char, out: &mut String) {
    let letter = to_hiragana(letter);
    if let Some(syllable) = u32::from(letter).checked_sub(HANGUL_FIRST).filter(|syllable| *syllable < 11_172) {
        hangul(syllable, out);
        return;
    }
    let found = SOUNDS.iter().find(|(letters, _)| letters.contains(letter)).map_or("AX", |(_, sounds)| sounds);
    if !found.is_empty() {
        out.push(' ');
        out.push_str(found);
    }
}

/// Whether the letter is a whole word to the ear, so that long unspaced text can still be cut between letters.
pub(super) fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether the character is written after a consonant of an Indic script and replaces its inherent vowel.
pub(super) fn is_vowel_sign(letter: char) -> bool {
    matches!(letter, '\u{93e}'..='\u{94d}')
}

/// Whether the letter is an Indic consonant, which carries a short vowel unless a sign says otherwise.
pub(super) fn has_inherent_vowel(letter: char) -> bool {
    matches!(letter, '\u{915}'..='\u{939}')
}

fn to_hiragana(letter: char) -> char {
    match letter {
        '\u{30a1}'..='\u{30f6}' => {
            char::from_u32(u32::from(letter) - 0x60).expect("the two syllabaries run in parallel")
        }
        _ => letter,
    }
}

const HANGUL_FIRST: u32 = 0xac00;

fn hangul(syllable: u32, out: &mut String) {
    const LEAD: [&str; 19] =
        ["G", "K", "N", "D", "T", "R", "M", "B", "P", "S", "S", "", "JH", "CH", "CH", "K", "T", "P", "HH"];
    const VOWEL: [&str; 21] = [
        "AA", "EH", "Y AA", "Y EH", "AO", "EH", "Y AO", "Y EH", "OW", "W AA", "W EH", "W EH", "Y OW", "UW", "W AO",
        "W EH", "W IY", "Y UW", "UH", "UH IY", "IY",
    ];
    const TAIL: [&str; 28] = [
        "", "K", "K", "K", "N", "N", "N", "T", "L", "K", "M", "L", "L", "L", "P", "L", "M", "P", "P", "T", "T", "NG",
        "T", "T", "K", "T", "P", "T",
    ];
    for part in [LEAD[(syllable / 588) as usize], VOWEL[(syllable % 588 / 28) as usize], TAIL[(syllable % 28) as usize]]
    {
        if !part.is_empty() {
            out.push(' ');
            out.push_str(part);
        }
    }
}

/// Letters that share a sound, in lower case.
#[rustfmt::skip]
const SOUNDS: &[(&str, &str)] = &[
    // Cyrillic
    ("а", "AA"), ("б", "B"), ("в", "V"), ("гґ", "G"), ("дђ", "D"), ("еэєѐ", "EH"), ("ё", "Y AO"), ("ж", "ZH"), ("з", "Z"),
    ("иіѝ", "IY"), ("й", "Y"), ("ї", "Y IY"), ("кќ", "K"), ("л", "L"), ("м", "M"), ("н", "N"), ("о", "AO"), ("п", "P"), ("р", "R"), ("с", "S"),
    ("т", "T"), ("у", "UW"), ("ф", "F"), ("х", "HH"), ("ц", "T S"), ("чћ", "CH"), ("ш", "SH"), ("щ", "SH CH"), ("ъь", ""), ("ы", "IH"),
    ("ю", "Y UW"), ("я", "Y AA"), ("ј", "Y"), ("љ", "L Y"), ("њ", "N Y"), ("џ", "JH"), ("ў", "W"),
    // Greek
    ("αά", "AA"), ("β", "V"), ("γ", "G"), ("δ", "DH"), ("εέ", "EH"), ("ζ", "Z"), ("ηήιίϊΐυύϋΰ", "IY"), ("θ", "TH"), ("κ", "K"),
    ("λ", "L"), ("μ", "M"), ("ν", "N"), ("ξ", "K S"), ("οόωώ", "AO"), ("π", "P"), ("ρ", "R"), ("σς", "S"), ("τ", "T"), ("φ", "F"),
    ("χ", "HH"), ("ψ", "P S"),
    // Hiragana, and katakana through it
    ("あぁ", "AA"), ("いぃ", "IY"), ("うぅ", "UW"), ("えぇ", "EH"), ("おぉを", "OW"), ("か", "K AA"), ("き", "K IY"), ("く", "K UW"),
    ("け", "K EH"), ("こ", "K OW"), ("が", "G AA"), ("ぎ", "G IY"), ("ぐ", "G UW"), ("げ", "G EH"), ("ご", "G OW"), ("さ", "S AA"),
    ("し", "SH IY"), ("す", "S UW"), ("せ", "S EH"), ("そ", "S OW"), ("ざ", "Z AA"), ("じぢ", "JH IY"), ("ずづ", "Z UW"), ("ぜ", "Z EH"),
    ("ぞ", "Z OW"), ("た", "T AA"), ("ち", "CH IY"), ("つ", "T S UW"), ("て", "T EH"), ("と", "T OW"), ("だ", "D AA"), ("で", "D EH"),
    ("ど", "D OW"), ("な", "N AA"), ("に", "N IY"), ("ぬ", "N UW"), ("ね", "N EH"), ("の", "N OW"), ("は", "HH AA"), ("ひ", "HH IY"),
    ("ふ", "F UW"), ("へ", "HH EH"), ("ほ", "HH OW"), ("ば", "B AA"), ("び", "B IY"), ("ぶ", "B UW"), ("べ", "B EH"), ("ぼ", "B OW"),
    ("ぱ", "P AA"), ("ぴ", "P IY"), ("ぷ", "P UW"), ("ぺ", "P EH"), ("ぽ", "P OW"), ("ま", "M AA"), ("み", "M IY"), ("む", "M UW"),
    ("め", "M EH"), ("も", "M OW"), ("やゃ", "Y AA"), ("ゆゅ", "Y UW"), ("よょ", "Y OW"), ("ら", "R AA"), ("り", "R IY"), ("る", "R UW"),
    ("れ", "R EH"), ("ろ", "R OW"), ("わ", "W AA"), ("ん", "N"), ("っー", ""), ("ゔ", "V UW"),
    // Devanagari: consonants without their inherent vowel, vowels and vowel signs
    ("अ", "AH"), ("आा", "AA"), ("इि", "IH"), ("ईी", "IY"), ("उु", "UH"), ("ऊू", "UW"), ("ऋृ", "R IH"), ("एे", "EY"), ("ऐै", "EH"),
    ("ओो", "OW"), ("औौ", "AO"), ("कख", "K"), ("गघ", "G"), ("ङ", "NG"), ("चछ", "CH"), ("जझ", "JH"), ("ञनण", "N"), ("टठतथ", "T"),
    ("डढदध", "D"), ("पफ", "P"), ("बभ", "B"), ("म", "M"), ("य", "Y"), ("र", "R"), ("लळ", "L"), ("व", "V"), ("शष", "SH"), ("स", "S"),
    ("ह", "HH"), ("्", ""),
    // Arabic and Hebrew write their consonants; a neutral vowel follows each
    ("اأإآ", "AA"), ("ب", "B AX"), ("تط", "T AX"), ("ث", "TH AX"), ("ج", "JH AX"), ("حهخة", "HH AX"), ("دض", "D AX"), ("ذظ", "DH AX"),
    ("ر", "R AX"), ("ز", "Z AX"), ("سص", "S AX"), ("ش", "SH AX"), ("ع", "AH"), ("غ", "G AX"), ("ف", "F AX"), ("قك", "K AX"), ("ل", "L AX"),
    ("م", "M AX"), ("ن", "N AX"), ("و", "UW"), ("يى", "IY"), ("ء", ""),
    ("א", "AA"), ("ב", "V AX"), ("ג", "G AX"), ("ד", "D AX"), ("הח", "HH AX"), ("ו", "OW"), ("ז", "Z AX"), ("טת", "T AX"), ("י", "IY"),
    ("כךק", "K AX"), ("ל", "L AX"), ("מם", "M AX"), ("נן", "N AX"), ("ס", "S AX"), ("ע", "AH"), ("פף", "P AX"), ("צץ", "T S AX"),
    ("ר", "R AX"), ("ש", "SH AX"),
];

#[cfg(test)]
mod tests {
    use super::{SOUNDS, sounds};

    fn said(text: &str) -> String {
        let mut out = String::new();
        text.chars().for_each(|letter| sounds(letter, &mut out));
        out
    }

    #[test]
    fn tables_hold_known_sounds_only() {
        for (_, sounds) in SOUNDS {
            crate::voice::letter::parse(sounds, &mut Vec::new());
        }
    }

    #[test]
    fn small_alphabets_are_read() {
        assert_eq!(said("привет"), " P R IY V EH T");
        assert_eq!(said("カタ"), " K AA T AA");
        assert_eq!(said("한"), " HH AA N");
        assert_eq!(said("ψ"), " P S");
    }

    #[test]
    fn an_unknown_letter_is_still_heard() {
        assert_eq!(said("語"), " AX");
    }
}
