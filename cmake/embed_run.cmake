# Run by medic_embed at build time. Long texts are cut into literals of at most 8,000 characters (compilers bound a literal's length).
string(REPLACE "|" ";" files "${FILES}")
set(text "// Generated from text files: do not edit.\n#include \"agent/base/embedded.h\"\n\n#include <array>\n#include <span>\n\nnamespace medic::embedded {\n\nstd::span<const EmbeddedFile> ${FUNCTION}();\n\nstd::span<const EmbeddedFile> ${FUNCTION}() {\n    static constexpr auto files = std::to_array<EmbeddedFile>({\n")
foreach(file IN LISTS files)
  file(RELATIVE_PATH name "${BASE}" "${file}")
  # Hexadecimal first: file(READ) and lists would trip over semicolons and brackets.
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" escaped "${hex}")
  string(REGEX REPLACE "(................................................................................................................................)" "\\1\"\n         \"" escaped "${escaped}")
  string(APPEND text "        {\"${name}\",\n         \"${escaped}\"},\n")
endforeach()
string(APPEND text "    });\n    return files;\n}\n\n}  // namespace medic::embedded\n")
file(WRITE "${OUT}" "${text}")
