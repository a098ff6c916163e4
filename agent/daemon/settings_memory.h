// Under which settings each connector last worked, and what has been changed since: what a roll-back needs, without a
// secret (agent/base/connector_settings.h). Ingest thread only. Asks nobody; whoever owns the journal keeps `rows` and
// hands them back after a restart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/collectors/observation.h"
#include "agent/daemon/kept_looks.h"
#include "agent/store/series.h"

namespace medic {

// With nothing better known, settings are good once the connector has run and moved records under them for so long …
inline constexpr Duration first_good_after{60'000};
// … and take the place of good ones when they have outlasted the time in which a change still counts as the reason of a
// failure (connect.roll-back-configuration): else a change that fails late would be taken for what it replaced.
inline constexpr Duration next_good_after{5 * 60'000};

class SettingsMemory {
public:
    // What a look at one cluster's connectors has told. `whole`: those that are not among them are gone.
    void look(const std::string& cluster, const std::vector<ConnectorLook>& looks, bool whole,
              const SeriesStore& series, WallTime at);

    // As attributes: configuration (a hash), and settings_change (JSON, "" when nothing was changed since it last
    // worked; "unknown" when it was never seen to work). Of one whose tasks have failed also settings (JSON: kept,
    // withheld), for remedies that change some of them.
    void tell(const Subject& connector, std::map<std::string, std::string>& attributes) const;

    [[nodiscard]] std::vector<KeptRow> take_changed();  // Those that are to be kept anew.
    // Before the first look. What can't be read is as if it had never been seen.
    void recall(const KeptRow& row);

    struct Marked {
        ConnectorSettings settings;
        // Of what is withheld. Not kept over a restart: then (nullopt) it is unknown whether such a value has changed.
        std::optional<std::map<std::string, std::size_t>> marks;
        bool operator==(const Marked&) const = default;
    };

private:
    struct Good {
        Marked of;
        std::size_t tasks = 0;
    };
    struct Known {
        Marked now;
        WallTime since{}, runs_since{};  // With these settings; unix_ms 0: it doesn't run.
        std::optional<Good> good;
        WallTime changed_at{};  // The newest change that was seen; 0: none since it was good.
        bool ran = false;       // At the last look.
        bool worked_until_then = false;
        std::size_t changes = 0;  // Since it was good.
    };

    void look(const ConnectorLook& seen, const SeriesStore& series, WallTime at);
    static void changed(Known& known, WallTime at);
    [[nodiscard]] static bool proven(const Known& known, const Subject& connector, const SeriesStore& series,
                                     WallTime at);
    [[nodiscard]] static std::string detail(const Known& known);

    static constexpr std::size_t connectors_max = 10'000;
    std::map<Subject, Known> known_;
    KeptLooks kept_{"connector"};
};

}  // namespace medic
