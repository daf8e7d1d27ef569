package http1

var (
	errChunkSize     = &Error{400, "a chunk size is missing, not hexadecimal or too large (RFC 9112 section 7.1)"}
	errChunkExt      = &Error{400, "a chunk extension is malformed (RFC 9112 section 7.1.1)"}
	errChunkOverhead = &Error{400, "the chunk extensions of a body are over the limit (RFC 9112 section 7.1.1)"}
	errChunkLine     = &Error{400, "a line of the chunked coding does not end in CRLF (RFC 9112 section 7.1)"}
	errChunkData     = &Error{400, "no CRLF follows the data of a chunk (RFC 9112 section 7.1)"}
)

const (
	maxChunkDigits   = 16       // leading zeros count
	maxChunkOverhead = 16 << 10 // bytes of extensions in one body: "ought to limit the total length", RFC 9112 section 7.1.1
)

// step moves b over one byte that is not payload.
func (b *Body) step(c byte) *Error {
	switch b.progress {
	case chunkSize:
		return b.size(c)
	case chunkSizeLF:
		if c != '\n' {
			return errChunkLine
		}
		return b.beginChunk()
	case chunkDataCR:
		if c != '\r' {
			return errChunkData
		}
		b.progress = chunkDataLF
	case chunkDataLF:
		if c != '\n' {
			return errChunkData
		}
		b.progress = chunkSize
	case trailerStart, trailerLine, trailerEndLF:
		return b.trail(c)
	default:
		return b.extension(c)
	}
	return nil
}

// size reads 1*HEXDIG and what ends it.
func (b *Body) size(c byte) *Error {
	if class[c]&inHex == 0 {
		if b.digits == 0 {
			return errChunkSize
		}
		return b.endOfItem(c, errChunkSize)
	}
	if b.digits++; b.digits > maxChunkDigits || b.left>>59 != 0 {
		return errChunkSize
	}
	// The low four bits of a letter are nine less than its value, in both cases.
	digit := int64(c & 0xf)
	if isLetter(c) {
		digit += 9
	}
	b.left = b.left<<4 | digit
	return nil
}

// endOfItem accepts what may follow a chunk size or the value of an extension.
func (b *Body) endOfItem(c byte, refusal *Error) *Error {
	switch {
	case c == '\r':
		b.progress = chunkSizeLF
	case c == '\n':
		return errChunkLine
	case c == ';':
		b.progress = chunkExtName
	case isSpace(c):
		b.progress = chunkSizeSpace
	default:
		return refusal
	}
	return nil
}

// extension reads RFC 9112 section 7.1.1: chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ). It
// understands none, but a lenient reader of them is one who can be led to another end of the body. White space is allowed
// only where the grammar has it, so "5 CRLF" is refused.
func (b *Body) extension(c byte) *Error {
	if b.overhead++; b.overhead > maxChunkOverhead {
		return errChunkOverhead
	}
	switch b.progress {
	case chunkSizeSpace:
		if !isSpace(c) && c != ';' {
			return errChunkExt
		}
		return b.endOfItem(c, errChunkExt)
	case chunkExtName:
		return b.firstByte(c, chunkExtNameRest)
	case chunkExtNameRest, chunkExtNameSpace:
		return b.extensionName(c)
	case chunkExtValue:
		if c == '"' {
			b.progress = chunkExtQuoted
			return nil
		}
		return b.firstByte(c, chunkExtToken)
	case chunkExtToken:
		if class[c]&inToken != 0 {
			return nil
		}
		return b.endOfItem(c, errChunkExt)
	case chunkExtQuoted, chunkExtQuotedPair:
		return b.quoted(c)
	default: // chunkExtQuotedEnd
		return b.endOfItem(c, errChunkExt)
	}
}

// firstByte skips BWS and enters a token.
func (b *Body) firstByte(c byte, then bodyProgress) *Error {
	switch {
	case isSpace(c):
	case class[c]&inToken != 0:
		b.progress = then
	default:
		return errChunkExt
	}
	return nil
}

// extensionName reads the rest of a name and what ends it. White space behind a name is followed by "=" or by the next
// extension.
func (b *Body) extensionName(c byte) *Error {
	switch {
	case c == '=':
		b.progress = chunkExtValue
	case isSpace(c):
		b.progress = chunkExtNameSpace
	case c == ';':
		b.progress = chunkExtName
	case b.progress == chunkExtNameSpace:
		return errChunkExt
	case class[c]&inToken == 0:
		return b.endOfItem(c, errChunkExt)
	}
	return nil
}

// quoted reads a quoted-string of RFC 9110 section 5.6.4 behind its first quote.
func (b *Body) quoted(c byte) *Error {
	switch {
	case b.progress == chunkExtQuotedPair && class[c]&inText != 0:
		b.progress = chunkExtQuoted
	case b.progress == chunkExtQuotedPair:
		return errChunkExt
	case c == '"':
		b.progress = chunkExtQuotedEnd
	case c == '\\':
		b.progress = chunkExtQuotedPair
	case class[c]&inQuoted == 0:
		return errChunkExt
	}
	return nil
}

// beginChunk enters the payload of a chunk whose size is known, or the trailer behind the last chunk.
func (b *Body) beginChunk() *Error {
	b.digits = 0
	switch {
	case b.left == 0:
		b.progress = trailerStart
	case b.left > b.room:
		return errBodySize
	default:
		b.room -= b.left
		b.progress = chunkData
	}
	return nil
}
