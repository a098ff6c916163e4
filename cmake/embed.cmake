# medic_embed(OUTPUT <variable> FUNCTION <name> FILES <files>…)
#
# Compiles text files into the program: writes one .cc (its path is returned in OUTPUT, add it to a room's sources) that defines
#   std::span<const medic::EmbeddedFile> medic::embedded::<name>();    // declare it where it is used; see agent/base/embedded.h
# Names are relative to the source folder. Rebuilt when a file changes.
function(medic_embed)
  cmake_parse_arguments(EMBED "" "OUTPUT;FUNCTION" "FILES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded_${EMBED_FUNCTION}.cc)
  list(SORT EMBED_FILES)
  list(JOIN EMBED_FILES "|" files)
  add_custom_command(OUTPUT ${out} DEPENDS ${EMBED_FILES} ${CMAKE_SOURCE_DIR}/cmake/embed_run.cmake
                     COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DFUNCTION=${EMBED_FUNCTION} "-DFILES=${files}" -DBASE=${CMAKE_SOURCE_DIR}
                             -P ${CMAKE_SOURCE_DIR}/cmake/embed_run.cmake
                     COMMENT "Embedding ${EMBED_FUNCTION}" VERBATIM)
  set(${EMBED_OUTPUT} ${out} PARENT_SCOPE)
endfunction()
