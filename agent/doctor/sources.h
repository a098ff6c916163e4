// Which canonical series the configured sources tell, as one look showed, and for each that is missing: why, and the
// line that mends it. Only for sight.cc and tests.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/collectors/prometheus/canonical.h"
#include "agent/discovery/look_once.h"

namespace medic::doctor {

struct Gap {
    std::string reason;
    std::vector<std::string> mend;
    auto operator<=>(const Gap&) const = default;
};

class Sources {
public:
    Sources(const ClusterConfig& cluster, const discovery::ClusterLook& look);

    // `role`: of process_* series, the role whose processes are meant; "" = of any.
    [[nodiscard]] bool tells(const std::string& series, const std::string& role = "") const;
    // Of a series that it does not tell. `series` may end in "@role".
    [[nodiscard]] Gap gap(const std::string& series) const;
    // Exceptions and traces of a component (flink, connect, kafka-broker, …) reach the agent.
    [[nodiscard]] bool tells_texts_of(std::string_view component) const;
    [[nodiscard]] Gap gap_of_texts(std::string_view component) const;
    [[nodiscard]] std::size_t told() const { return told_; }

private:
    enum class Part : std::uint8_t { absent, silent, answers };
    [[nodiscard]] Part part(const std::string& name) const;
    [[nodiscard]] bool has_driver(const std::string& role) const;  // "" = any.
    [[nodiscard]] bool have_subjects(const CanonicalSeries& series) const;
    [[nodiscard]] std::string line_of(const std::string& name) const;  // As it stands in the file, without logins.
    [[nodiscard]] Gap gap_of_part(const std::string& name) const;
    [[nodiscard]] Gap gap_of_pages(const CanonicalSeries& series) const;
    [[nodiscard]] std::string why_silent(const std::string& name) const;

    const ClusterConfig& cluster_;
    const discovery::ClusterLook& look_;
    std::set<std::string> seen_;
    std::set<std::string> labels_seen_;  // Labels that any sample carries: what there is.
    std::size_t told_ = 0;
};

}  // namespace medic::doctor
