// Any text as a configuration: no crash; a refusal names the file; what is accepted can be noted on.
#include <cstdint>
#include <cstdlib>

#include "agent/config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = medic::load_config(text, "fuzz.yaml");
    if (config)
        (void)medic::config_notes(*config);
    else if (config.error().message.find("fuzz.yaml") == std::string::npos)
        std::abort();
    return 0;
}
