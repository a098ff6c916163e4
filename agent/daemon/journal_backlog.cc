#include "agent/daemon/journal_backlog.h"

#include <iterator>

namespace medic {

void JournalBacklog::write(Journal& journal, std::vector<JournalEntry> entries) {
    left_.insert(left_.end(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
    if (left_.size() > entries_max) left_.erase(left_.begin(), left_.end() - static_cast<std::ptrdiff_t>(entries_max));
    if (journal.append(left_) && journal.flush().durable) left_.clear();
}

}  // namespace medic
