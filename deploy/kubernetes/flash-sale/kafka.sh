# As the entry point of the official image: a fresh data folder once, then the server itself as the first process.
set -e
if [ ! -s data/meta.properties ]; then
  java $FLAGS -cp '/opt/kafka/*' kafka.tools.StorageTool format -t "$CLUSTER_ID" -c /opt/kafka/server.properties
fi
exec java $FLAGS -cp '/opt/kafka/*' kafka.Kafka /opt/kafka/server.properties "$@"
