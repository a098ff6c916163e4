// Texts that a person hands to a command: a file, or standard input. What can't be one (a directory, an archive,
// another encoding) is refused with the word for it, instead of being read as an empty or unknown text. Never throws.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/base/result.h"

namespace medic::cli {

inline constexpr std::size_t file_bytes_max = 256 << 20;  // Of a file that is read whole.

// invalid: not there, not to be read, a directory, or longer than `bytes_max`.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t bytes_max = file_bytes_max);

// The end of a text; of a log it is what tells of the trouble at hand.
struct TailText {
    std::string text;         // From a line's start on, where there is one.
    std::uint64_t bytes = 0;  // Of the whole.
    [[nodiscard]] bool is_cut() const { return text.size() < bytes; }
};

// The last `bytes_max` bytes of a file or, as "-", of standard input; memory stays within twice that. invalid: as
// above, or it is compressed or not UTF-8; not_ready: it is empty.
[[nodiscard]] Result<TailText> read_tail(const std::string& path, std::size_t bytes_max);

// invalid: it is a directory. Whatever else is wrong with it, who opens it finds.
[[nodiscard]] Status refuse_directory(const std::string& path);

}  // namespace medic::cli
