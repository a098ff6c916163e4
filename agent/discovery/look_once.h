// One look at one cluster with the agent's own collectors: what they observed, and each call that they made for it,
// with its time and outcome. Both `medic discover` and `medic doctor` begin here, so that what they check is what the
// agent needs. Reads only; keeps nothing.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/discovery/outside.h"
#include "agent/wire/messages/group_admin.h"

namespace medic::discovery {

struct Call {
    enum class Outcome : std::uint8_t {
        answered,
        refused,      // By an ACL, a login or an HTTP 401/403.
        unsupported,  // The other side is too old for it, or has no such call.
        failed,       // No answer, or none that can be read.
    };
    std::string part;    // kafka | connect | flink | metrics | prometheus | node
    std::string target;  // Address asked; "broker 2" for a Kafka broker.
    std::string name;    // ListGroups; GET /jobs/:id/checkpoints
    Duration took{0};
    Outcome outcome = Outcome::answered;
    std::string detail;  // Why not answered.
    std::size_t count = 1;
    std::size_t bytes = 0;
};

struct PageLook {
    PageConfig config;
    Duration took{0};
    std::size_t bytes = 0, samples = 0, used = 0;  // used: samples that some canonical series comes from.
    std::set<std::string> series;                  // Canonical series found on it.
    std::string error;                             // "" when it was read.
    std::string broker;                            // The broker's id where the page names it.
    std::string kind;  // Whose page it is by its names, as PageConfig::kind; "" when it can't be told.
    std::optional<double> newest_timestamp_s;  // Where samples carry one: the page comes from a gateway or a cache.
};

struct Skew {
    std::string target;
    Duration ahead{0};  // Of our clock; negative: behind.
};

struct ClusterLook {
    std::string cluster;
    WallTime at;
    std::vector<Observation> observations;  // One per target.
    std::vector<Call> calls;
    std::vector<PageLook> pages;
    std::vector<Skew> skews;
    std::map<std::string, wire::DescribeGroupsResponse::Group> groups;
    std::map<std::int32_t, std::string> broker_versions;  // "3.9", by what the broker speaks.
    std::map<std::string, std::string> bodies;            // JSON by URL, of the answers that tell more.
    std::string kafka_cluster_id;

    [[nodiscard]] const Observation* observation(std::string_view target_ends_with) const;
    // Names of canonical series that came from anywhere.
    [[nodiscard]] std::set<std::string> series() const;
};

struct LookOptions {
    std::size_t rounds_max = 6;     // Answers lead to questions: jobs → vertices. Never deeper.
    std::size_t asks_max = 20'000;  // Of one target.
    std::size_t jobs_max = 500;
    std::size_t groups_max = 2'000;
    std::function<void(const std::string&)> progress = [](const std::string&) {};
};

[[nodiscard]] ClusterLook look_once(Outside& outside, const ClusterConfig& cluster, const LookOptions& options = {});

// One page read as the agent would read it.
[[nodiscard]] PageLook read_page(const PageConfig& page, const Got& got, const std::string& cluster);

// A request's path without the parts that name an object: /jobs/3f…/vertices/ab… → /jobs/:id/vertices/:id.
[[nodiscard]] std::string call_shape(std::string_view url);

// "https://me:secret@host:8081/x" → "host:8081": what may be printed of a URL.
[[nodiscard]] std::string shown_address(std::string_view url);

// The release line that speaks these versions: "3.9", "2.8–3.0"; "" when it can't be told.
[[nodiscard]] std::string kafka_release(const wire::ApiVersionsResponse& versions);

// All calls, the same one at the same target counted together: the slowest time, the worst outcome.
[[nodiscard]] std::vector<Call> summed(std::vector<Call> calls);

}  // namespace medic::discovery
