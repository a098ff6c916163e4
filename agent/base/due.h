// When something that is done from time to time is to be done again.
#pragma once

#include "agent/base/time.h"

namespace medic {

// Never done yet (a time of 0), long enough ago, or later than now: then the clock was set back, and waiting for it to
// catch up could take hours.
[[nodiscard]] constexpr bool is_due(WallTime last, Duration every, WallTime now) {
    return last.unix_ms == 0 || now < last || now - last >= every;
}

}  // namespace medic
