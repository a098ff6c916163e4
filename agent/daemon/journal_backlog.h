// Rows of what is known (links, runs, settings, messages told) that the disk has not taken yet. They come but once:
// what goes with a disk that is full for a moment would be missing after a restart, and older ones be taken for the
// present. Not for the loop's own rows, which it writes anew itself. Only for the journal's thread.
#pragma once

#include <cstddef>
#include <vector>

#include "remediations/journal/journal.h"

namespace medic {

class JournalBacklog {
public:
    // Writes what is left from before, then these; what does not become durable is kept for the next call.
    void write(Journal& journal, std::vector<JournalEntry> entries);
    [[nodiscard]] std::size_t size() const { return left_.size(); }

    static constexpr std::size_t entries_max = 20'000;  // Beyond it the oldest go.

private:
    std::vector<JournalEntry> left_;
};

}  // namespace medic
