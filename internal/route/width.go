package route

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

// width estimates how much a regular expression matches: the chance of meeting it when each next character is drawn at
// random and a word ends with an even chance after each. It depends on the expression alone, so sorting by width is
// the same whatever was registered before. Of two expressions that are written without needless alternatives, one that
// matches strictly fewer words has the smaller width.
func width(re *syntax.Regexp) float64 {
	const goesOn = 0.5
	switch re.Op {
	case syntax.OpNoMatch:
		return 0
	case syntax.OpLiteral:
		w := 1.0
		for _, r := range re.Rune {
			each := share(r, r)
			if re.Flags&syntax.FoldCase != 0 && unicode.SimpleFold(r) != r {
				each *= 2
			}
			w *= goesOn * each
		}
		return w
	case syntax.OpCharClass:
		w := 0.0
		for i := 0; i < len(re.Rune); i += 2 {
			w += share(re.Rune[i], re.Rune[i+1])
		}
		return goesOn * w
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return goesOn
	case syntax.OpCapture:
		return width(re.Sub[0])
	case syntax.OpQuest:
		return 1 + width(re.Sub[0])
	case syntax.OpStar:
		return 1 / (1 - min(width(re.Sub[0]), 0.99))
	case syntax.OpPlus:
		w := width(re.Sub[0])
		return w / (1 - min(w, 0.99))
	case syntax.OpConcat:
		w := 1.0
		for _, sub := range re.Sub {
			w *= width(sub)
		}
		return w
	case syntax.OpAlternate:
		w := 0.0
		for _, sub := range re.Sub {
			w += width(sub)
		}
		return w
	}
	return 1 // empty words, and conditions on a position
}

// share is the part of all characters that lies between two of them. Half of it belongs to ASCII.
func share(low, high rune) float64 {
	const ascii = 128
	part := 0.0
	if low < ascii {
		part = 0.5 * float64(min(high, ascii-1)-low+1) / ascii
	}
	if high >= ascii {
		part += 0.5 * float64(high-max(low, ascii)+1) / (unicode.MaxRune + 1 - ascii)
	}
	return part
}

// sample returns a short word that the expression probably matches.
func sample(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(pick(re.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpCapture, syntax.OpPlus, syntax.OpStar:
		return sample(re.Sub[0])
	case syntax.OpAlternate:
		return sample(re.Sub[0])
	case syntax.OpConcat:
		var word strings.Builder
		for _, sub := range re.Sub {
			word.WriteString(sample(sub))
		}
		return word.String()
	}
	return ""
}

// pick returns a letter or digit of the class if it has one.
func pick(class []rune) rune {
	for _, wanted := range "a1A" {
		for i := 0; i < len(class); i += 2 {
			if class[i] <= wanted && wanted <= class[i+1] {
				return wanted
			}
		}
	}
	for i := 0; i < len(class); i += 2 {
		if class[i] > ' ' {
			return class[i]
		}
	}
	return 'a'
}
