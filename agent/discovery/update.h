// A picture against a medic.yaml that people keep: what is new and where it goes, what the file names that is not there
// any more, and a patch that only adds. It never rewrites a line that it does not have to, and no comment at all.
#pragma once

#include <string>
#include <vector>

#include "agent/discovery/picture.h"

namespace medic::discovery {

struct Change {
    enum class Kind : std::uint8_t {
        added,    // In the patch.
        by_hand,  // To be added, but the file is written in a way that the patch can't follow.
        gone,     // Named in the file or in the earlier picture, and its healthy cluster no longer has it: meant, no
                  // fault.
        unseen,   // Not there, but its cluster was not wholly visible: nothing follows from that.
        fresh,    // New since the earlier picture; needs no line.
    };
    Kind kind = Kind::added;
    std::string what;  // "connector/orders-sink", "worker w2:8083"
    std::string text;  // For added and by_hand: the line, and where it goes. For gone: what to remove. May be "".
    bool operator==(const Change&) const = default;
};

struct Update {
    std::vector<Change> changes;
    std::string patch;  // Unified; "" when there is nothing to add.
    std::string text;   // The file with the patch applied.
};

// `text` is the file at `path`. Errors: the file can't be read as medic.yaml, or has no such cluster.
[[nodiscard]] Result<Update> update(const std::string& text, const std::string& path, const ClusterConfig& given,
                                    const Picture& picture);

// What came and went between two pictures of one cluster.
[[nodiscard]] std::vector<Change> compare(const Picture& before, const Picture& after);

// Of all lines that `inserted` adds before line N of `old_lines` (from 0), and those that `replaced` changes.
struct LineEdit {
    std::size_t at = 0;  // Index of the old line.
    std::vector<std::string> lines;
    bool replaces = false;  // Otherwise the lines go before it.
};
[[nodiscard]] std::string unified(const std::string& path, const std::vector<std::string>& old_lines,
                                  std::vector<LineEdit> edits);

}  // namespace medic::discovery
