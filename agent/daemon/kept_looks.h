// When the subjects of each cluster were last looked at, and which of them are to be kept in the journal anew: what the
// memories of settings share (settings_memory.h, topic_settings.h). Ingest thread only; knows no journal.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/base/subject.h"
#include "agent/base/time.h"

namespace medic {

// An agent that was away for no longer takes what it finds changed for changed just now; of a longer gap nobody knows
// what came first, the change or the failure.
inline constexpr Duration unseen_max{2 * 60'000};

struct KeptRow {
    Subject subject;     // Name "": of its cluster, when its subjects were last looked at.
    std::string detail;  // "": it is gone.
};

class KeptLooks {
public:
    explicit KeptLooks(std::string kind) : kind_(std::move(kind)) {}  // Of its subjects.

    void look(const std::string& cluster, WallTime at) { looked_[cluster].at = at; }
    void changed(const Subject& subject) { dirty_[subject] = true; }
    void gone(const Subject& subject) { dirty_[subject] = false; }
    // Whether an agent before this one had looked at the cluster lately enough (unseen_max).
    [[nodiscard]] bool seen_lately(const std::string& cluster, WallTime at) {
        return at - looked_[cluster].before_restart <= unseen_max;
    }

    // Those that are to be kept anew, with what `detail` says of each.
    [[nodiscard]] std::vector<KeptRow> take(const std::function<std::string(const Subject&)>& detail);
    // Of a row whose name is "": when an agent before this one has looked.
    void recall(const std::string& cluster, WallTime at) { looked_[cluster].before_restart = at; }

private:
    struct Looked {
        WallTime at{}, kept{};
        WallTime before_restart{};
    };
    std::string kind_;
    std::map<std::string, Looked> looked_;  // By cluster.
    std::map<Subject, bool> dirty_;         // false: it is gone.
};

}  // namespace medic
