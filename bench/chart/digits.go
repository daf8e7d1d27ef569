package chart

import "strconv"

// GroupDigits writes a number that is not negative with a comma between thousands.
func GroupDigits(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
