// Faults by the node that they are tied to, and who else does the same work: what node_faults judges. It judges nothing
// itself. For that analyzer only.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "classifiers/analyzers/lookup.h"

namespace medic::analyzers::node_faults {

// The sliding minute in which faults are counted.
inline constexpr Duration window{60'000};

// A node, by what runs on it.
struct Place {
    std::string cluster, role, node;
    std::string kind, name;          // taskmanager tm-1, worker 10.0.0.1:8083, broker 2.
    std::string_view told_by;        // The series in which its cluster says that it is there.
    std::optional<bool> process_up;  // nullopt: its process is not watched.
    auto operator<=>(const Place&) const = default;
};

struct Fault {
    WallTime at;
    std::string work;  // The job or connector that it hit; "": none.
    std::string part;  // Which subtask or task of it; "": the node could not do it for any.
    std::string text, ref;
    bool restart = false, job = false;
};

// Within the window, of nodes that are known. What only tells of somebody else's failure is left out.
[[nodiscard]] std::vector<std::pair<Place, Fault>> all_faults(const Lookup& lookup);

// Others of the place's role that are there and have done one of `works` within the window; brokers, which share all
// work: that are there.
[[nodiscard]] std::vector<std::string> peers_at_work(const Lookup& lookup, const Place& place,
                                                     const std::set<std::string>& works);

}  // namespace medic::analyzers::node_faults
