// Under which settings each topic was last written to for long, and what has been changed since: what a restoring needs
// (kafka.restore-configuration). It reads the attributes of topics as the Kafka collector tells them. Ingest thread
// only. Asks nobody; whoever owns the journal keeps `take_changed` and hands it back after a restart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/subject.h"
#include "agent/daemon/kept_looks.h"
#include "agent/store/series.h"

namespace medic {

// With nothing better known, settings are good once the topic has been written to under them for so long …
inline constexpr Duration first_topic_settings_after{60'000};
// … and take the place of good ones when they have outlasted the time in which a change still counts as the reason of a
// fault: Kafka applies retention every five minutes (log.retention.check.interval.ms), so that one takes its time.
inline constexpr Duration next_topic_settings_after{15 * 60'000};

class TopicSettingsMemory {
public:
    using Attributes = std::map<std::string, std::string>;

    // What a look at one cluster has told of its topics. `whole`: those that are not among them are gone.
    void look(const std::string& cluster, const std::map<Subject, Attributes>& told, bool whole,
              const SeriesStore& series, WallTime at);

    // As the attribute settings_change: JSON, settings_unchanged, or "unknown" when it was not seen to work; and
    // written_until. Of a topic whose settings were never told, nothing.
    void tell(const Subject& topic, Attributes& attributes) const;

    [[nodiscard]] std::vector<KeptRow> take_changed();  // Those that are to be kept anew.
    // Before the first look. What can't be read is as if it had never been seen.
    void recall(const KeptRow& row);

private:
    struct Setting {
        std::string value;
        bool own = false;  // Said on the topic itself, not taken over from its brokers.
        bool operator==(const Setting&) const = default;
    };
    using Settings = std::map<std::string, Setting>;
    struct Known {
        Settings now;
        WallTime since{};                   // With these settings …
        WallTime read_at{}, read_before{};  // … when they were last read, and the time before that, …
        bool written = false;               // … and whether the topic was written to under them.
        bool recalled = false;              // From the journal: not looked at yet.
        std::optional<Settings> good;
        WallTime changed_at{};  // The newest change; 0: none since it was good.
        bool worked_until_then = false;
        std::size_t changes = 0;  // Since it was good.
    };
    void look(const Subject& topic, Settings settings, const SeriesStore& series, WallTime at);
    void changed(const Subject& topic, Known& known, const SeriesStore& series, WallTime at);
    [[nodiscard]] static Settings settings_in(const Attributes& attributes);
    [[nodiscard]] static std::string difference(const Known& known);
    [[nodiscard]] static std::string detail(const Known& known);

    static constexpr std::size_t topics_max = 2'000;
    std::map<Subject, Known> known_;
    KeptLooks kept_{"topic"};
};

}  // namespace medic
