#include "agent/world/real/clock.h"

namespace medic {

Now read_clock() {
    const auto monotonic = std::chrono::steady_clock::now().time_since_epoch();
    const auto wall = std::chrono::system_clock::now().time_since_epoch();
    return {Instant{std::chrono::duration_cast<Duration>(monotonic)},
            {std::chrono::duration_cast<std::chrono::milliseconds>(wall).count()}};
}

}  // namespace medic
