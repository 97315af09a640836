// dynalite 4.0.0 throws, and so ends, when a caller goes away in the middle of a call, as those do that tests kill.
process.on('uncaughtException', (err) => {
  if (err.code === 'ECONNRESET' || err.code === 'EPIPE') return
  console.error(err)
  process.exit(1)
})
