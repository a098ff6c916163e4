// Who is connected to whom: job → topics, vertices, task managers; connector → tasks → worker; broker → node; job →
// deployment. Rediscovered by collectors at every look, never persisted. Read by diagnosis, planning and the API.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
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
    // Replaces all that `source` (a target's name) said before; nothing at all forgets the source.
    void replace(std::string_view source, std::vector<Relation> relations,
                 std::map<Subject, std::map<std::string, std::string>> attributes, WallTime at);

    [[nodiscard]] std::vector<Subject> from(const Subject& subject, std::string_view kind) const;  // subject —kind→ ?
    [[nodiscard]] std::vector<Subject> to(const Subject& subject, std::string_view kind) const;    // ? —kind→ subject
    [[nodiscard]] std::vector<Subject> all(std::string_view cluster, std::string_view kind) const;
    // The newest source that knows it wins. e.g. job: id, state, version, start_time; taskmanager: path, node; node:
    // role, spare, zone. nullopt: not known.
    [[nodiscard]] std::optional<std::string> attribute(const Subject& subject, std::string_view name) const;

private:
    struct Source {
        WallTime at;
        std::vector<Relation> relations;
        std::map<Subject, std::map<std::string, std::string>> attributes;
    };
    std::map<std::string, Source, std::less<>> sources_;
};

}  // namespace medic
