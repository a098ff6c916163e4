// Which canonical series (rules/canonical) a series of somebody's page is. Loaded once; asked once for each new series
// of a page. It reads no page (agent/collectors/page does) and keeps no samples.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/embedded.h"
#include "agent/base/labels.h"
#include "agent/base/result.h"
#include "agent/collectors/page/page.h"

namespace medic {

// Whose page it is. Labels that a page can't know come from here; an empty one is not known (yet).
struct PageOwner {
    std::string cluster, node, role, broker, worker, taskmanager;
    std::set<std::string, std::less<>> watched;  // kafka, connect, flink, process: what is watched itself.
};

// One place that a series comes from on pages.
struct PageOrigin {
    std::string page;              // Its name there.
    std::string mbean, attribute;  // What the JMX exporter's catch-all rule makes that name from; "" elsewhere.
};

struct CanonicalSeries {
    std::string name, unit, meaning;
    std::vector<std::string> labels;
    std::vector<PageOrigin> pages;
    std::string told_by;  // kafka, connect, flink, process, medic: who tells it without a page; "" = only pages do.
    std::string since;    // The release that tells it first: "Kafka 3.3"; "" = all that we support.
};

class CanonicalNames {
public:
    // The files of rules/canonical; refuses what it does not understand with file:line:column.
    [[nodiscard]] static Result<CanonicalNames> load(std::span<const EmbeddedFile> files);
    // Those compiled into the program.
    [[nodiscard]] static const CanonicalNames& built_in();

    struct Match {
        Labels labels;
        double scale = 1;
        bool sum = false;  // Several series of the page make one: add them up.
    };
    // Empty: not a series that anything reads, or a label is not known yet (see missing_owner).
    [[nodiscard]] std::vector<Match> matches(const PageSample& sample, const PageOwner& owner) const;
    // Whether some series was left out because `owner` lacks a label: ask again when it is known.
    [[nodiscard]] bool lacks_owner(const PageSample& sample, const PageOwner& owner) const;
    [[nodiscard]] std::vector<std::string> page_names()
        const;  // Every name on a page that some canonical series comes from.
    [[nodiscard]] std::span<const CanonicalSeries> series() const { return series_; }
    [[nodiscard]] const CanonicalSeries* find(std::string_view name) const;

private:
    struct Source {
        std::size_t series = 0;
        std::vector<std::pair<std::string, std::string>> where;
        std::vector<std::string> with, without;
        std::map<std::string, std::string> labels;
        double scale = 1;
        bool sum = false;
        std::string unless;
    };
    [[nodiscard]] bool applies(const Source& source, const PageSample& sample, const PageOwner& owner) const;
    // nullopt: a label has no value.
    [[nodiscard]] std::optional<Labels> labels_of(const Source& source, const PageSample& sample,
                                                  const PageOwner& owner) const;

    std::vector<CanonicalSeries> series_;
    std::map<std::string, std::vector<Source>, std::less<>> by_page_;  // By the page's series name.
};

}  // namespace medic
