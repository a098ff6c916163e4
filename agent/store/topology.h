// Who is connected to whom: job → topics, vertices, task managers; connector → tasks → worker; broker → node; job →
// deployment. Rediscovered by collectors at every look, never persisted. Read by diagnosis, planning and the API.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/base/subject.h"
#include "agent/base/time.h"

namespace medic {

// A directed relation with a name: reads, writes, runs-on, hosted-by, task-of, deployed-as, replica-on, leader-on.
struct Relation {
    Subject from;
    std::string kind;
    Subject to;
    auto operator<=>(const Relation&) const = default;
};

class Topology {
public:
    using Attributes = std::map<Subject, std::map<std::string, std::string>>;

    Topology() = default;
    Topology(Topology&&) = default;
    Topology& operator=(Topology&&) = default;
    ~Topology() = default;

    // Replaces all that `source` (a target's name) said before; nothing at all forgets the source. A source that says
    // what it said before costs a comparison.
    void replace(std::string_view source, std::vector<Relation> relations, Attributes attributes, WallTime at);

    [[nodiscard]] std::vector<Subject> from(const Subject& subject, std::string_view kind) const;  // subject —kind→ ?
    [[nodiscard]] std::vector<Subject> to(const Subject& subject, std::string_view kind) const;    // ? —kind→ subject
    [[nodiscard]] std::vector<Subject> all(std::string_view cluster, std::string_view kind) const;
    // The newest source that knows it wins. e.g. job: id, state, version, start_time; taskmanager: path, node; node:
    // role, spare, zone. nullopt: not known.
    [[nodiscard]] std::optional<std::string> attribute(const Subject& subject, std::string_view name) const;
    [[nodiscard]] std::uint64_t generation() const { return generation_; }  // Grows when a source says something new.

private:
    struct Source {
        WallTime at;
        std::vector<Relation> relations;
        Attributes attributes;
    };
    using Counted = std::map<Subject, std::uint32_t>;  // By how many sources, or how often, it was said.
    struct Known {
        std::map<std::string, Counted, std::less<>> ahead, behind;  // By the relation's kind.
        std::vector<const Source*> told_by;                         // Sources with attributes of it.
    };
    enum class Change : std::uint8_t { add, remove };
    void index(const Source& source, Change change);
    Known& known(const Subject& subject, Change change);
    void forget_if_empty(const Subject& subject);

    std::map<std::string, Source, std::less<>> sources_;
    std::unordered_map<Subject, Known> known_;
    std::map<std::pair<std::string, std::string>, Counted> by_kind_;  // By cluster and kind: how often each is named.
    std::uint64_t generation_ = 0;
};

}  // namespace medic
