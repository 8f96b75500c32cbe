# Prints every string literal of C sources, one a line, tab separated:
#   file, line, group, calls, text
# calls are the names before the open parentheses around it, outermost first ("log_info/KV"), "-" for none. group is a
# number of the innermost call that is no T_… argument: a key and its arguments share it. 0: not inside a call.
# Escapes stay as they are written. Run with LC_ALL=C: bytes, not characters.
function push(name) {
	depth++
	call[depth] = name
	id[depth] = ++calls
}
function path(    i, s) {
	s = ""
	for (i = 1; i <= depth; i++)
		if (call[i] != "")
			s = s (s == "" ? "" : "/") call[i]
	return s == "" ? "-" : s
}
function group(    i) {
	for (i = depth; i > 0; i--)
		if (call[i] != "" && call[i] !~ /^T_/)
			return id[i]
	return 0
}
FNR == 1 {
	comment = depth = 0
	word = ""
}
!comment && /^[ \t]*#[ \t]*(include|error)/ { next }
{
	line = $0
	while (line != "") {
		if (comment) {
			at = index(line, "*/")
			if (!at) break
			line = substr(line, at + 2)
			comment = 0
		} else if (match(line, /^[A-Za-z_][A-Za-z_0-9]*/)) {
			word = substr(line, 1, RLENGTH)
			line = substr(line, RLENGTH + 1)
		} else if (match(line, /^"([^"\\]|\\.)*"/)) {
			print FILENAME "\t" FNR "\t" group() "\t" path() "\t" substr(line, 2, RLENGTH - 2)
			line = substr(line, RLENGTH + 1)
			word = ""
		} else if (match(line, /^'([^'\\]|\\.)*'/)) {
			line = substr(line, RLENGTH + 1)
		} else if (substr(line, 1, 2) == "//") {
			break
		} else if (substr(line, 1, 2) == "/*") {
			comment = 1
			line = substr(line, 3)
		} else {
			c = substr(line, 1, 1)
			if (c == "(") push(word)
			if (c == ")" && depth) depth--
			if (c == ";" && line ~ /^;[ \t]*$/) depth = 0
			if (c != " " && c != "\t") word = ""
			line = substr(line, 2)
		}
	}
}
