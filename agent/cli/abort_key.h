// Whether the person wants it to end: Ctrl-C, a signal to stop, a closed terminal, or the key q where there is one.
// Only for .cc files of agent/cli.
#pragma once

#include <termios.h>

#include "agent/base/time.h"

namespace medic::cli {

class AbortKey {
public:
    // Before any thread is started: the signals are then waited for, and interrupt nothing.
    AbortKey();
    ~AbortKey();  // The terminal is as it was.
    AbortKey(const AbortKey&) = delete;
    AbortKey& operator=(const AbortKey&) = delete;

    // Keys are read one by one from now on, where standard input is a terminal.
    void watch_keys();
    [[nodiscard]] bool watches_keys() const { return raw_; }
    // Waits so long at most. True: it is wanted, now or since an earlier call.
    [[nodiscard]] bool wait(Duration at_most);
    // Waits so long, or until it is wanted once more. True: it is.
    [[nodiscard]] bool rest(Duration at_most);

private:
    [[nodiscard]] bool signalled(Duration at_most);
    [[nodiscard]] bool key_pressed() const;
    termios before_{};
    bool raw_ = false, wanted_ = false;
};

}  // namespace medic::cli
