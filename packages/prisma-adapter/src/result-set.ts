import {
  type ColumnType,
  columnTypeOf,
  DriverAdapterError,
  type ResultValue,
  typeName,
  valueDecoder,
} from '@postern/prisma-mapping';
import type { SqlResultSet } from './driver-adapter.ts';
import type { StatementResult } from './transport.ts';

/** Texts of Postgres → what Prisma takes. Throws a DriverAdapterError for types Prisma has no name for. */
export function resultSet({ fields, rows }: StatementResult): SqlResultSet {
  const columnTypes = fields.map(({ dataTypeID }): ColumnType => {
    const type = columnTypeOf(dataTypeID);
    if (type === undefined)
      throw new DriverAdapterError({ kind: 'UnsupportedNativeDataType', type: typeName(dataTypeID) });
    return type;
  });
  const decoders = fields.map(({ dataTypeID }) => valueDecoder(dataTypeID));
  const decode = (text: string | null, index: number): ResultValue =>
    text === null ? null : (decoders[index]?.(text) ?? text);
  return { columnNames: fields.map(({ name }) => name), columnTypes, rows: rows.map((row) => row.map(decode)) };
}
