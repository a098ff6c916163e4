// Names for code addresses, also for functions that are not exported (lambdas, statics): read from the object's own
// symbol table. For failure reports; keeps the tables of the objects it was asked about.
#pragma once

#include <cstdint>
#include <string>

namespace medic::engine {

[[nodiscard]] std::string demangle(const char* name);  // The name itself when it is not a mangled one.

// "ns::f(int)(job.so+0x1f2)" of an address inside a function (for a return address: less one byte). "" when unknown.
[[nodiscard]] std::string name_frame(const void* address);

}  // namespace medic::engine
